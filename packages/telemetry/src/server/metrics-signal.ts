/**
 * Metrics as a signal: rows → points of requests (raw samples) and aggregates (everything else).
 *
 * The pieces are in files of their own: `ingest.ts` reads rows, `targets.ts` and `series.ts` say what they become, `aggregates.ts`
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
import { SeriesIndex, type AdmittedState } from './series.ts';
import type { Intake, IntakeContext, Request, Signal, Splitter } from './signal.ts';
import type { SelfObservation } from './self-telemetry.ts';
import { splitByResource, splitRequest } from './split.ts';
import { Targets } from './targets.ts';
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
    const { resampling, cardinalityLimit } = this.#config;
    const index = new SeriesIndex(context.treeResource, this.#temporality, {
      isMerged: this.#store !== undefined,
      resampling,
      ...(cardinalityLimit === undefined ? {} : { cardinalityLimit }),
      admitted: (context.restored as MetricsState).admitted ?? [],
    });
    return new MetricsIntake(this.#config, index, context);
  }
}

class MetricsIntake implements Intake<PointBatch> {
  readonly #index: SeriesIndex;
  readonly #aggregates = new Aggregates();
  readonly #ingest: Ingest;

  constructor(
    { reader }: MetricsConfig,
    index: SeriesIndex,
    { restored, resourceOf, countMerged }: IntakeContext,
  ) {
    const { aggregates = [] } = restored as MetricsState;
    this.#index = index;
    const targets = new Targets(index, this.#aggregates);
    this.#ingest = new Ingest(targets, this.#aggregates, new RequestBuilder(), {
      intervalMillis: reader.collectIntervalMillis,
      countMerged,
    });
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
    return `{"aggregates":${this.#aggregates.state},"admitted":${this.#index.state}}`;
  }

  frame(journal: TailedJournal, frame: Frame): boolean {
    return this.#ingest.frame(journal, frame);
  }

  observe(observation: SelfObservation, close: Close): void {
    this.#ingest.observe(observation, close);
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
  readonly admitted?: readonly AdmittedState[];
}
