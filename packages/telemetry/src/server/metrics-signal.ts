/**
 * Metrics as a signal: rows → points of requests (raw samples) and aggregates (everything else).
 *
 * The pieces are in files of their own: `ingest.ts` reads rows, `series.ts` says which series they belong to, `aggregates.ts`
 * keeps what outlives the server, `request.ts` collects points.
 */
import type { MetricsConfig } from '../config/signals.ts';
import type { BatchExporter, MetricsExporter, PointBatch, Temporality } from '../exporters/exporter.ts';
import { loadExporter } from '../exporters/load.ts';
import type { Frame } from '../journal/frame.ts';
import type { Close } from '../resample/windows.ts';
import { Aggregates, type AggregateState } from './aggregates.ts';
import { Ingest } from './ingest.ts';
import { RequestBuilder } from './request.ts';
import { SeriesIndex } from './series.ts';
import type { Intake, IntakeContext, Request, Signal, Splitter } from './signal.ts';
import { splitByResource, splitRequest } from './split.ts';
import type { TailedJournal } from './tailed-journal.ts';

export class MetricsSignal implements Signal<PointBatch> {
  readonly #config: MetricsConfig;
  readonly splitter: Splitter<PointBatch> = { halves: splitRequest, byResource: splitByResource };
  readonly #store: MetricsExporter | undefined;
  #temporality: (kind: 'counter' | 'up_down_counter' | 'histogram') => Temporality = () => 'cumulative';

  /** @param store takes all points, merged over the processes of the tree, instead of the configured exporter. */
  constructor(config: MetricsConfig, store?: MetricsExporter) {
    this.#config = config;
    this.#store = store;
  }

  get collectIntervalMillis(): number {
    return this.#config.reader.collectIntervalMillis;
  }

  get exportIntervalMillis(): number {
    return this.#config.reader.exportIntervalMillis;
  }

  get exportTimeoutMillis(): number {
    return this.#config.reader.exportTimeoutMillis;
  }

  async loadExporter(): Promise<BatchExporter<PointBatch>> {
    const exporter = this.#store ?? (await loadExporter(this.#config.exporter));
    this.#temporality = (kind) => exporter.temporality(kind);
    return exporter;
  }

  createIntake(context: IntakeContext): Intake<PointBatch> {
    const isMerged = this.#store !== undefined;
    const index = new SeriesIndex(context.treeResource, this.#temporality, isMerged);
    return new MetricsIntake(this.#config, index, context);
  }
}

class MetricsIntake implements Intake<PointBatch> {
  readonly #index: SeriesIndex;
  readonly #aggregates = new Aggregates();
  readonly #ingest: Ingest;

  constructor(
    { reader, resampling }: MetricsConfig,
    index: SeriesIndex,
    { restored, resourceOf, countMerged }: IntakeContext,
  ) {
    this.#index = index;
    this.#ingest = new Ingest(this.#index, this.#aggregates, new RequestBuilder(), {
      intervalMillis: reader.collectIntervalMillis,
      resampling: resampling.type,
      countMerged,
    });
    const { aggregates = [] } = restored as MetricsState;
    this.#aggregates.restore(aggregates, this.#index, resourceOf);
  }

  get sealed(): Request<PointBatch>[] {
    return this.#ingest.sealed;
  }

  get isEmpty(): boolean {
    return this.#aggregates.size === 0;
  }

  get hasOpenWindows(): boolean {
    return this.#aggregates.hasOpenWindows;
  }

  get state(): string {
    return `{"aggregates":${this.#aggregates.state}}`;
  }

  frame(journal: TailedJournal, frame: Frame): boolean {
    return this.#ingest.frame(journal, frame);
  }

  end({ id }: TailedJournal, { nowMillis, intervalMillis }: Close): void {
    this.#aggregates.retract(Math.floor(nowMillis / intervalMillis), id);
  }

  finish(close: Close, ending: ReadonlySet<string>): void {
    this.#ingest.finish(close, ending);
  }

  forget(resourceKey: string): void {
    this.#aggregates.forget(resourceKey);
    this.#index.forget(resourceKey);
  }
}

/** What metrics have in a checkpoint. */
export interface MetricsState {
  readonly aggregates?: readonly AggregateState[];
}
