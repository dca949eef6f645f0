import { FileCredentials } from './credentials.ts';
import type { ExporterConfig } from './exporter.ts';
import { isOtlpConfig, type OtlpConfig } from './otlp-config.ts';
import { HttpTransport } from './otlp-http.ts';
import type { OtlpTransport } from './otlp-transport.ts';

/**
 * The transport of an exporter that speaks OTLP, as its options have it.
 *
 * @throws Error where the options are not resolved ones.
 */
export async function connectOtlp({
  options,
}: ExporterConfig): Promise<{ readonly otlp: OtlpConfig; readonly transport: OtlpTransport }> {
  if (!isOtlpConfig(options)) throw new Error('its options were not resolved');
  if (options.protocol === 'grpc') throw new Error('the protocol grpc is not supported yet');
  return { otlp: options, transport: new HttpTransport(options, new FileCredentials(options)) };
}
