/**
 * Exporters of the program's own or of the SDK (`PushMetricExporter`), as pipelines use them.
 *
 * In: batches of points. Out: calls of `export`, one per resource, and one outcome per batch.
 * Invariant: while a batch is retried, a resource that was accepted or rejected is not sent again, except in the smaller
 * batches that follow `too-large`.
 * On failure: `retry`, unless the exporter's error says that it is final; `unanswered` where it took too long.
 */
import {
  AggregationTemporality,
  InstrumentType,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { withDeadline } from './deadline.ts';
import type { MetricsExporter, ExportOutcome, PointBatch, Temporality } from './exporter.ts';
import { callExporter, hasMethods, shutdownExporter, type CallOutcome } from './export-call.ts';
import { outcomeOfEncodingError, reasonOf } from './outcomes.ts';
import { toResourceMetrics } from './resource-metrics.ts';

type Kind = 'counter' | 'up_down_counter' | 'histogram';
/** What has become of each resource of a batch that is not to be sent again. */
type Settled = Map<number, { readonly rejectedPoints: number; readonly error?: Error }>;

/**
 * Any PushMetricExporter as the pipeline wants it.
 *
 * The SDK's interface takes one resource at a time, so a batch becomes one or more calls, one after the other. A retry
 * repeats only those that failed. Throwing, never calling back and calling back twice all end as one outcome.
 */
export class PushExporter implements MetricsExporter {
  /** It can do with several, but what it knows of those that have been accepted does not outlive it. */
  readonly takesOneResource = true;
  readonly #exporter: PushMetricExporter;
  readonly #name: string;
  readonly #temporalities: Readonly<Record<Kind, Temporality>>;
  readonly #settled = new WeakMap<PointBatch, Settled>();
  #shutdown: Promise<void> | undefined;

  /** @throws whatever the exporter's selectAggregationTemporality throws. */
  constructor(exporter: PushMetricExporter, name: string) {
    this.#exporter = exporter;
    this.#name = name;
    const select = (type: InstrumentType): Temporality =>
      exporter.selectAggregationTemporality?.(type) === AggregationTemporality.DELTA ? 'delta' : 'cumulative';
    this.#temporalities = {
      counter: select(InstrumentType.COUNTER),
      up_down_counter: select(InstrumentType.UP_DOWN_COUNTER),
      histogram: select(InstrumentType.HISTOGRAM),
    };
  }

  temporality(kind: Kind): Temporality {
    return this.#temporalities[kind];
  }

  async export(batch: PointBatch, timeoutMillis: number): Promise<ExportOutcome> {
    let parts: ResourceMetrics[];
    try {
      parts = toResourceMetrics(batch);
    } catch (error) {
      return outcomeOfEncodingError(error);
    }
    const settled: Settled = this.#settled.get(batch) ?? new Map();
    this.#settled.set(batch, settled);
    try {
      return await withDeadline(timeoutMillis, (signal) => this.#exportAll(parts, settled, signal));
    } catch (cause) {
      const error = new Error(`${this.#name}: ${reasonOf(cause)}`, { cause });
      return { status: 'retry', error, unanswered: true };
    }
  }

  async #exportAll(
    parts: readonly ResourceMetrics[],
    settled: Settled,
    signal: AbortSignal,
  ): Promise<ExportOutcome> {
    let retry: ExportOutcome | undefined;
    for (const [index, part] of parts.entries()) {
      if (settled.has(index)) continue;
      signal.throwIfAborted();
      // exporters are never called concurrently
      const { status, error } = await this.#exportOne(part);
      // The pipeline answers with smaller batches; what other resources had delivered goes again with them.
      if (status === 'too-large') return { status, error };
      if (status === 'retry') retry ??= { status, error };
      // Kept even after the deadline: a late success need not be repeated.
      else if (status === 'accepted') settled.set(index, { rejectedPoints: 0 });
      else settled.set(index, { rejectedPoints: countPoints(part), error });
    }
    return retry ?? summarize(settled);
  }

  #exportOne(part: ResourceMetrics): Promise<CallOutcome> {
    return callExporter(this.#name, (done) => this.#exporter.export(part, done));
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= shutdownExporter(this.#exporter);
    return this.#shutdown;
  }
}

/** Has the methods of the SDK's interface. */
export function isPushMetricExporter(value: unknown): value is PushMetricExporter {
  return hasMethods(value, ['export', 'forceFlush', 'shutdown']);
}

function countPoints({ scopeMetrics }: ResourceMetrics): number {
  const metrics = scopeMetrics.flatMap((scope) => scope.metrics);
  return metrics.reduce((points, { dataPoints }) => points + dataPoints.length, 0);
}

function summarize(settled: Settled): ExportOutcome {
  const parts = [...settled.values()];
  const rejectedPoints = parts.reduce((sum, part) => sum + part.rejectedPoints, 0);
  const errors = parts.flatMap(({ error }) => error ?? []);
  const [error] = errors;
  if (error === undefined) return { status: 'accepted', rejectedPoints };
  if (errors.length === parts.length) return { status: 'rejected', error };
  return { status: 'accepted', rejectedPoints, message: error.message };
}
