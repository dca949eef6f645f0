import { FileCredentials, type Credentials } from './credentials.ts';
import type { ExporterConfig } from './exporter.ts';
import { importOptional } from './optional-package.ts';
import { isOtlpConfig, type OtlpConfig } from './otlp-config.ts';
import { HttpTransport } from './otlp-http.ts';
import type { OtlpTransport } from './otlp-transport.ts';
import type { TelemetrySignal } from './resolve.ts';

/** What an exporter that speaks OTLP is built from. */
export interface OtlpConnection {
  readonly otlp: OtlpConfig;
  readonly transport: OtlpTransport;
}

/**
 * The transport of an exporter that speaks OTLP, as its options have it.
 *
 * @throws Error where the options are not resolved ones, or a package is missing.
 */
export async function connectOtlp(
  { options }: ExporterConfig,
  signal: TelemetrySignal,
): Promise<OtlpConnection> {
  if (!isOtlpConfig(options)) throw new Error('its options were not resolved');
  return { otlp: options, transport: await transportOf(options, signal, new FileCredentials(options)) };
}

async function transportOf(
  otlp: OtlpConfig,
  signal: TelemetrySignal,
  credentials: Credentials,
): Promise<OtlpTransport> {
  if (otlp.protocol !== 'grpc') return new HttpTransport(otlp, credentials);
  const grpc = await importOptional('@grpc/grpc-js', 'the protocol grpc', () => import('@grpc/grpc-js'));
  const { GrpcTransport } = await import('./otlp-grpc.ts');
  return new GrpcTransport(grpc, signal, otlp, credentials);
}
