import { FileCredentials, type Credentials } from './credentials.ts';
import type { ExporterConfig } from './exporter.ts';
import { isMsalConfig } from './msal-config.ts';
import { importOptional } from './optional-package.ts';
import { isOtlpConfig, type OtlpConfig } from './otlp-config.ts';
import { HttpTransport } from './otlp-http.ts';
import type { OtlpTransport } from './otlp-transport.ts';
import type { TelemetrySignal } from './resolve.ts';
import { isVaultConfig } from './vault-config.ts';

/** What an exporter that speaks OTLP is built from. */
export interface OtlpConnection {
  readonly otlp: OtlpConfig;
  readonly transport: OtlpTransport;
}

/**
 * The transport of an exporter that speaks OTLP, as its type and options have it.
 *
 * @throws Error where the options are not resolved ones, or a package is missing.
 */
export async function connectOtlp(
  { type, options }: ExporterConfig,
  signal: TelemetrySignal,
): Promise<OtlpConnection> {
  switch (type) {
    case '_otlp_msal': {
      if (!isMsalConfig(options)) break;
      const msal = await importOptional('@azure/msal-node', 'it', () => import('@azure/msal-node'));
      const { MsalCredentials } = await import('./msal-credentials.ts');
      return await connect(options.exporter, signal, () => new MsalCredentials(msal, options));
    }
    case '_otlp_mtls_vault': {
      if (!isVaultConfig(options)) break;
      const { VaultCredentials } = await import('./vault-credentials.ts');
      return await connect(options.exporter, signal, () => new VaultCredentials(options));
    }
    default:
      if (isOtlpConfig(options)) return await connect(options, signal, () => new FileCredentials(options));
  }
  throw new Error('its options were not resolved');
}

async function connect(
  otlp: OtlpConfig,
  signal: TelemetrySignal,
  makeCredentials: () => Credentials,
): Promise<OtlpConnection> {
  if (otlp.protocol !== 'grpc') return { otlp, transport: new HttpTransport(otlp, makeCredentials()) };
  const grpc = await importOptional('@grpc/grpc-js', 'the protocol grpc', () => import('@grpc/grpc-js'));
  const { GrpcTransport } = await import('./otlp-grpc.ts');
  return { otlp, transport: new GrpcTransport(grpc, signal, otlp, makeCredentials()) };
}
