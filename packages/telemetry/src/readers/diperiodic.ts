/**
 * A metric reader with two periods, for any MeterProvider of the OpenTelemetry JS SDK 3.x.
 *
 * In: what the SDK's instruments hold at each collect interval. Out: at each export interval, everything collected
 * since, to one PushMetricExporter, in the order of collection. Invariant: a collected batch is either in the queue, in
 * the one export under way, exported, or counted in `droppedBatches`. On failure the batches go back to the head of the
 * queue and leave with the next export; only when the queue is full does the oldest batch fall off.
 */
import { context, diag } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, suppressTracing } from '@opentelemetry/core';
import { MetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { invalid, type Problem } from '../errors.ts';
import { type Batch, BatchQueue } from './batch-queue.ts';
import { Deadline, every } from './deadline.ts';
import { type ReaderConfig, type ReaderOptions, resolveReaderConfig } from './intervals.ts';

/** Options of `DiperiodicExportingMetricReader`. */
export interface DiperiodicExportingMetricReaderOptions extends ReaderOptions {
  /** Receives the metrics; it also chooses aggregation and temporality. Required. */
  readonly exporter: PushMetricExporter;
  /**
   * Collected batches that may wait for an export, a whole number from 1. Past it the oldest fall off, counted in
   * `droppedBatches`. Default: what ten export intervals collect, at least 1000.
   */
  readonly maxQueuedBatches?: number;
}

const NAME = 'DiperiodicExportingMetricReader';

/** Runs one task at a time, in the order in which they came. */
class Lane {
  pending = 0;
  #last: Promise<unknown> = Promise.resolve();

  run(task: () => Promise<void>): Promise<void> {
    this.pending++;
    const done = this.#last.then(task).finally(() => this.pending--);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/**
 * Collects at one interval and exports at another (seed: `DiperiodicExportingMetricReader`).
 *
 * The last value of a gauge at each collection becomes a data point, so a short collect interval keeps more of what was
 * measured, and a long export interval keeps requests few. Collecting goes on while an export is under way; exports
 * never overlap. An export that fails or times out is repeated with the next one: a backend that accepted it all the
 * same sees its points twice.
 *
 * Throws `TelemetryError` with `MSC_CONFIGURATION_INVALID`, which names every wrong option.
 */
export class DiperiodicExportingMetricReader extends MetricReader {
  readonly #exporter: PushMetricExporter;
  readonly #config: ReaderConfig;
  readonly #queue: BatchQueue;
  readonly #collections: Lane = new Lane();
  readonly #exports: Lane = new Lane();
  readonly #failing: Set<string> = new Set();
  readonly #timers: (() => void)[] = [];
  #stopping: Promise<void> | undefined;

  constructor(options: DiperiodicExportingMetricReaderOptions) {
    const { exporter, maxQueuedBatches, ...intervals } = options ?? {};
    const problems: Problem[] = [];
    if (typeof exporter?.export !== 'function') {
      problems.push({ path: 'exporter', value: exporter, expected: 'a PushMetricExporter' });
    }
    if (maxQueuedBatches !== undefined && !(Number.isSafeInteger(maxQueuedBatches) && maxQueuedBatches > 0)) {
      problems.push({ path: 'maxQueuedBatches', value: maxQueuedBatches, expected: 'a whole number from 1' });
    }
    const config = resolveReaderConfig(intervals, process.env, '', problems);
    if (problems.length > 0) throw invalid('MSC_CONFIGURATION_INVALID', NAME, problems);
    super({
      ...(exporter.selectAggregation && { aggregationSelector: exporter.selectAggregation.bind(exporter) }),
      ...(exporter.selectAggregationTemporality && {
        aggregationTemporalitySelector: exporter.selectAggregationTemporality.bind(exporter),
      }),
    });
    this.#exporter = exporter;
    this.#config = config;
    this.#queue = new BatchQueue(
      maxQueuedBatches ??
        Math.max(1000, 10 * Math.ceil(config.exportIntervalMillis / config.collectIntervalMillis)),
    );
  }

  /** Batches that were collected and will never be exported: the queue was full, or the reader was shut down. */
  get droppedBatches(): number {
    return this.#queue.dropped;
  }

  /**
   * Collects, exports everything queued, and flushes the exporter, all before one deadline: `timeoutMillis`, by default
   * the collect timeout plus the export timeout. Rejects with `MSC_FLUSH_TIMEOUT` when it passes, and with the
   * exporter's error when the export fails; what was not exported stays queued.
   */
  override async forceFlush(options?: { timeoutMillis?: number }): Promise<void> {
    if (this.#stopping !== undefined) {
      diag.warn(`${NAME}: forceFlush after shutdown does nothing`);
      return;
    }
    const deadline = this.#deadline('forceFlush', options?.timeoutMillis);
    try {
      await this.#flush(deadline);
    } finally {
      deadline.clear();
    }
  }

  /**
   * Stops both timers, collects and exports one last time, and shuts the exporter down, all before one deadline:
   * `timeoutMillis`, by default the collect timeout plus the export timeout. Rejects with `MSC_FLUSH_TIMEOUT` when it
   * passes. What the last export could not deliver is logged and counted in `droppedBatches`. Repeated calls get the
   * first one's promise.
   */
  override shutdown(options?: { timeoutMillis?: number }): Promise<void> {
    this.#stopping ??= this.#stop(this.#deadline('shutdown', options?.timeoutMillis));
    return this.#stopping;
  }

  protected override onInitialized(): void {
    if (this.#stopping !== undefined) return;
    const { collectIntervalMillis, exportIntervalMillis } = this.#config;
    this.#timers.push(
      every(collectIntervalMillis, () => {
        if (this.#collections.pending === 0) void this.#collections.run(() => this.#collect());
      }),
      every(exportIntervalMillis, () => {
        if (this.#exports.pending === 0) void this.#exports.run(() => this.#exportInTime());
      }),
    );
  }

  protected override onForceFlush(): Promise<void> {
    return this.forceFlush();
  }

  protected override async onShutdown(): Promise<void> {
    this.#queue.close();
    await this.#exporter.shutdown();
  }

  #deadline(
    what: string,
    millis = this.#config.collectTimeoutMillis + this.#config.exportTimeoutMillis,
  ): Deadline {
    return new Deadline(millis, what);
  }

  async #stop(deadline: Deadline): Promise<void> {
    for (const stop of this.#timers) stop();
    await this.#flush(deadline).catch((error: unknown) => this.#report('last export', error));
    // The exporter is shut down even when nothing is left of the time, and then nobody waits for it.
    const closed = super.shutdown();
    closed.catch(() => undefined);
    try {
      await deadline.run(() => closed);
    } finally {
      deadline.clear();
    }
  }

  async #flush(deadline: Deadline): Promise<void> {
    await deadline.run(() => this.#collections.run(() => this.#collect()));
    await deadline.run(() => this.#exports.run(() => this.#export(deadline)));
    await deadline.run(() => this.#exporter.forceFlush());
  }

  async #collect(): Promise<void> {
    try {
      const { resourceMetrics, errors } = await this.collect({
        timeoutMillis: this.#config.collectTimeoutMillis,
      });
      if (errors.length > 0) this.#report('collection', errors[0]);
      else this.#failing.delete('collection');
      this.#queue.push(resourceMetrics);
    } catch (error) {
      this.#report('collection', error);
    }
  }

  async #exportInTime(): Promise<void> {
    const deadline = new Deadline(this.#config.exportTimeoutMillis, 'export');
    try {
      await this.#export(deadline);
      this.#failing.delete('export');
    } catch (error) {
      this.#report('export', error);
    } finally {
      deadline.clear();
    }
  }

  /** Exports what is queued now, and throws at the first failure; what has not left by then stays queued. */
  async #export(deadline: Deadline): Promise<void> {
    const last = this.#queue.sequence;
    for (let request = this.#queue.take(last); request.length > 0; request = this.#queue.take(last)) {
      try {
        // requests leave in the order of their collection
        await deadline.run(() => this.#send(request));
      } catch (error) {
        this.#queue.putBack(request);
        throw error;
      }
    }
  }

  async #send(request: readonly Batch[]): Promise<void> {
    // All batches of one MeterProvider have the same resource.
    const { resource } = request[0].resourceMetrics;
    if (resource.asyncAttributesPending) await resource.waitForAsyncAttributes?.();
    const scopeMetrics = request.flatMap((batch) => batch.resourceMetrics.scopeMetrics);
    const { promise, resolve } = Promise.withResolvers<ExportResult>();
    context.with(suppressTracing(context.active()), () => {
      this.#exporter.export({ resource, scopeMetrics }, resolve);
    });
    const result = await promise;
    if (result.code !== ExportResultCode.SUCCESS)
      throw result.error ?? new Error('the exporter gave no reason');
  }

  /** Logs the first failure of a row: with short intervals and a long outage there would be thousands. */
  #report(what: string, error: unknown): void {
    if (this.#failing.has(what)) return;
    this.#failing.add(what);
    diag.error(`${NAME}: ${what} failed`, error);
  }
}
