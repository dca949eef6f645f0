/**
 * Store: the last point of every series, for whoever scrapes. It is an exporter like any other, whose backend is this memory.
 *
 * In: batches of a pipeline that merges all processes of the tree. Out: families of series.
 * Invariant: sums and histograms are cumulative, and their state is the pipeline's: a restart of the server does not set
 * them back. What a gauge showed last is gone with the server, until it is recorded again.
 */
import type { Attributes } from '@opentelemetry/api';
import type {
  ExponentialHistogramPoints,
  ExportOutcome,
  HistogramValue,
  MetricPoints,
  MetricsExporter,
  PointBatch,
  ScopeDescriptor,
  Temporality,
} from '../exporters/exporter.ts';
import { canonicalAttributes } from '../record/attributes.ts';
import { metricName } from './names.ts';

export interface StoredSeries {
  readonly scope: ScopeDescriptor;
  readonly attributes: Attributes;
  readonly value: number | HistogramValue;
}

/** What Prometheus knows under one name. */
export interface Family {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly description: string;
  readonly series: ReadonlyMap<string, StoredSeries>;
}

export class PrometheusStore implements MetricsExporter {
  readonly #families = new Map<string, Family & { readonly series: Map<string, StoredSeries> }>();

  /** In the order of their names. */
  get families(): Family[] {
    return [...this.#families.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  get isEmpty(): boolean {
    return this.#families.size === 0;
  }

  temporality(): Temporality {
    return 'cumulative';
  }

  export(batch: PointBatch): Promise<ExportOutcome> {
    for (const metric of batch.metrics) this.#keep(metric);
    return Promise.resolve({ status: 'accepted', rejectedPoints: 0 });
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }

  #keep(metric: MetricPoints): void {
    // The scraped configuration asks for none of these.
    if (metric.kind === 'exponential_histogram') return;
    const type = typeOf(metric);
    const { name, unit, description } = metric.descriptor;
    const exposed = metricName(name, unit, type);
    let family = this.#families.get(exposed);
    // A name has one type there. The first one has it.
    if (family !== undefined && family.type !== type) return;
    if (family === undefined) {
      family = { name: exposed, type, description, series: new Map() };
      this.#families.set(exposed, family);
    }
    const { scope } = metric;
    for (const { attributes, values } of metric.series) {
      const value = values.at(-1);
      if (value === undefined) continue;
      const key = `${scope.name}\n${scope.version ?? ''}\n${canonicalAttributes(attributes)}`;
      family.series.set(key, { scope, attributes, value });
    }
  }
}

/** A sum that may fall is a gauge there. */
function typeOf(metric: Exclude<MetricPoints, ExponentialHistogramPoints>): Family['type'] {
  if (metric.kind === 'histogram') return 'histogram';
  return metric.kind === 'sum' && metric.monotonic ? 'counter' : 'gauge';
}
