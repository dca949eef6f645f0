import { context } from '@opentelemetry/api';
import { ExportResultCode, suppressTracing, type ExportResult } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InstrumentType,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { withDeadline } from './deadline.ts';
import type { MetricsExporter, ExportOutcome, PointBatch, Temporality } from './exporter.ts';
import { isRecord } from './json.ts';
import { outcomeOfEncodingError, outcomeOfStatus, reasonOf } from './outcomes.ts';
import { toResourceMetrics } from './resource-metrics.ts';

const SHUTDOWN_TIMEOUT_MILLIS = 5000;
/** gRPC exporters put gRPC's own codes where the others put HTTP's. */
const GRPC_INVALID_ARGUMENT = 3;

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

  async #exportOne(part: ResourceMetrics): Promise<{ status: ExportOutcome['status']; error: Error }> {
    const { promise, resolve } = Promise.withResolvers<ExportResult>();
    const fail = (cause: unknown): void => {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      resolve({ code: ExportResultCode.FAILED, error });
    };
    // The first to happen counts. An `export` that is an async function may reject instead of calling back.
    context.with(suppressTracing(context.active()), () => {
      try {
        const returned: unknown = this.#exporter.export(part, (result: ExportResult | undefined) =>
          result === undefined ? fail('called back without a result') : resolve(result),
        );
        if (returned instanceof Promise) returned.catch(fail);
      } catch (cause) {
        fail(cause);
      }
    });
    const result = await promise;
    const reason = result.error === undefined ? 'failed without saying why' : reasonOf(result.error);
    const error = new Error(`${this.#name}: ${reason}`, { cause: result.error });
    return { status: outcomeOfResult(result), error };
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= withDeadline(SHUTDOWN_TIMEOUT_MILLIS, () => this.#flushAndShutdown()).catch(ignore);
    return this.#shutdown;
  }

  async #flushAndShutdown(): Promise<void> {
    await this.#exporter.forceFlush().catch(ignore);
    await this.#exporter.shutdown();
  }
}

/** For failures at the end, which change nothing any more: every batch has had its outcome. */
function ignore(): void {}

/** Has the methods of the SDK's interface. */
export function isPushMetricExporter(value: unknown): value is PushMetricExporter {
  const methods = ['export', 'forceFlush', 'shutdown'];
  return isRecord(value) && methods.every((name) => typeof value[name] === 'function');
}

/** Failures are temporary unless the error says otherwise, in one of the ways in use. */
function outcomeOfResult({ code, error }: ExportResult): ExportOutcome['status'] {
  if (code === ExportResultCode.SUCCESS) return 'accepted';
  if (!isRecord(error)) return 'retry';
  for (const status of [error['code'], error['status'], error['statusCode']]) {
    if (status === GRPC_INVALID_ARGUMENT) return 'rejected';
    if (typeof status === 'number' && status >= 400 && status < 500) return outcomeOfStatus(status);
  }
  return error['retryable'] === false ? 'rejected' : 'retry';
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
