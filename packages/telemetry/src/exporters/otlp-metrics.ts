import type { PointBatch, MetricsExporter, Temporality } from './exporter.ts';
import type { OtlpConfig } from './otlp-config.ts';
import { encodeProtobuf } from './otlp-encode.ts';
import { OtlpExporter } from './otlp-exporter.ts';
import { encodeJson } from './otlp-json.ts';
import type { OtlpSignal } from './otlp-signal.ts';
import type { OtlpTransport } from './otlp-transport.ts';

export const METRICS: OtlpSignal<PointBatch> = {
  name: 'metrics',
  encodeProtobuf,
  encodeJson,
  count: ({ points }) => points,
  rejectedField: 'rejectedDataPoints',
};

/** The OTLP exporter for metrics, which prefers a temporality. */
export class OtlpMetricsExporter extends OtlpExporter<PointBatch> implements MetricsExporter {
  readonly #temporality: OtlpConfig['temporality'];

  constructor(config: OtlpConfig, transport: OtlpTransport) {
    super(METRICS, config, transport);
    this.#temporality = config.temporality;
  }

  temporality(kind: 'counter' | 'up_down_counter' | 'histogram'): Temporality {
    const prefersDelta = this.#temporality === 'delta' || this.#temporality === 'lowmemory';
    return prefersDelta && kind !== 'up_down_counter' ? 'delta' : 'cumulative';
  }
}
