/**
 * Pipeline: the server's half of a record's path, for one configuration. Read this first.
 *
 *   journal (read) → ingest → resample → export → commit
 *
 * In: the journals of all writers with this configuration. Out: requests to its exporter.
 * Invariant: a cycle is carried out whole, from one checkpoint to the next. Its plan is on disk before its first request
 * leaves, so that a killed cycle is carried out again, unchanged, by the next server.
 * On failure: a backend that is away holds its own pipeline only; the journals keep what waits. An exporter that cannot
 * be loaded drops what is recorded for it, counted as `exporter`.
 */
import type { MetricsConfig } from '../config/metrics.ts';
import type { BatchExporter, ResourceDescriptor } from '../exporters/exporter.ts';
import { loadExporter } from '../exporters/load.ts';
import { ensurePrivateDirectory } from '../tree/directory.ts';
import { Aggregates } from './aggregates.ts';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { Collection, type PlannedJournal } from './collection.ts';
import { Delivery, Stopped } from './delivery.ts';
import { Ingest } from './ingest.ts';
import { PlanLog, type Plan } from './plan.ts';
import { RequestBuilder, unitsOf } from './request.ts';
import { SeriesIndex } from './series.ts';
import type { JournalState, TailedJournal } from './tailed-journal.ts';

/** So much waiting is a full request: it leaves before the export interval ends. */
const FULL_BYTES = 512 * 1024;
/** A window stays open for so long after its end, for batches that are still on their way. */
const LATENESS_MILLIS = 200;

export type PipelineState = 'starting' | 'ok' | 'away' | 'failed';

export interface PipelineOptions {
  /** Where plan and checkpoint lie. */
  readonly directory: string;
  readonly config: MetricsConfig;
  readonly treeResource: ResourceDescriptor;
  readonly log: (message: string) => void;
  /** Called when `state` has changed. */
  readonly onChange: () => void;
  /** Whether waiting for a backend that is away keeps the process alive. Default true. */
  readonly keepsAlive?: boolean;
}

/** Why a cycle runs. A tick sends unchanged totals too, a flush closes every window. */
interface Occasion {
  readonly tick: boolean;
  readonly flush: boolean;
}

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #collection: Collection;
  readonly #aggregates = new Aggregates();
  readonly #plan: PlanLog;
  readonly #treeResource: ResourceDescriptor;
  #checkpoint: Checkpoint | undefined;
  #unfinished: Plan | undefined;
  #sequence: number;
  #index: SeriesIndex | undefined;
  #ingest: Ingest | undefined;
  #delivery: Delivery | undefined;
  #exporter: BatchExporter | undefined;
  #started: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  /** The flush that waits for its turn, for all who ask until then. */
  #nextFlush: Promise<boolean> | undefined;
  #nextFlushTicks = false;
  /** What the checkpoint says of journals that are not here, as they could not be read. */
  readonly #absent = new Map<string, JournalState>();
  /** Ended journals whose files could not be deleted so far. */
  #undeleted: TailedJournal[] = [];
  #nextTickMillis = 0;
  #isStopped = false;
  /** It broke off; a new one has to go on from the checkpoint. */
  isBroken = false;
  state: PipelineState = 'starting';
  error: Error | undefined;
  /** Requests settled so far: whoever waits for an export sees whether it goes on. */
  progress = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
    ensurePrivateDirectory(options.directory);
    this.#checkpoint = readCheckpoint(options.directory);
    for (const state of this.#checkpoint?.journals ?? []) this.#absent.set(state.id, state);
    this.#sequence = this.#checkpoint?.sequence ?? 0;
    this.#collection = new Collection(this.#checkpoint?.retired);
    this.#plan = new PlanLog(options.directory);
    const plan = this.#plan.load();
    if (plan?.sequence === this.#sequence + 1) this.#unfinished = plan;
    this.#treeResource = this.#unfinished?.treeResource ?? options.treeResource;
  }

  get config(): MetricsConfig {
    return this.#options.config;
  }

  get journals(): Iterable<TailedJournal> {
    return this.#collection.journals;
  }

  get pendingBytes(): number {
    return this.#collection.pendingBytes;
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** No writer is left, and nothing that waits. */
  get isDrained(): boolean {
    return this.#collection.size === 0 && this.#unfinished === undefined && !this.isBusy && !this.isBroken;
  }

  /** Nothing waits: all that is in the journals was exported. */
  get isExported(): boolean {
    const isIdle = this.state === 'ok' && !this.isBusy && this.#unfinished === undefined;
    return isIdle && this.pendingBytes === 0 && !this.#aggregates.hasOpenWindows;
  }

  /** Takes a journal in, from where the checkpoint left it. One that had ended is only deleted. */
  addJournal(journal: TailedJournal): void {
    const known = this.#absent.get(journal.id);
    this.#absent.delete(journal.id);
    if (known !== undefined) journal.restore(known);
    if (!journal.ended) this.#collection.add(journal);
    else if (!this.#deletes(journal, () => journal.reader.deleteAll())) this.#undeleted.push(journal);
  }

  /** Loads the exporter and, with it, what the checkpoint holds: the temporality is the exporter's. */
  start(): Promise<void> {
    this.#started ??= this.#load();
    return this.#started;
  }

  /** Looks whether a cycle is due, and starts it. Never throws; one cycle runs at a time. */
  poll(nowMillis: number): void {
    if (this.isBusy || this.#isStopped || this.state === 'starting') return;
    // Totals are repeated for those who may still add to them.
    if (this.isDrained) return;
    const tick = nowMillis >= this.#nextTickMillis;
    const isFull = this.#collection.isBehind || this.pendingBytes >= FULL_BYTES;
    if (tick || isFull || this.#unfinished !== undefined) void this.#run({ tick, flush: false });
  }

  /**
   * Exports everything that is in the journals now, open windows included; with `tick`, unchanged totals as well.
   * Resolves with `false` where it was stopped, or broke off, before that.
   */
  flush({ tick }: { readonly tick: boolean }): Promise<boolean> {
    this.#delivery?.retryNow();
    this.#nextFlushTicks ||= tick;
    this.#nextFlush ??= this.#flushNext();
    return this.#nextFlush;
  }

  /** Stops at once, between two requests; what is unfinished stays on disk. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#delivery?.stop();
    await this.#running;
    this.#plan.close();
    for (const journal of this.journals) journal.reader.close();
    await this.#exporter?.shutdown();
  }

  async #flushNext(): Promise<boolean> {
    await this.start();
    await this.#running;
    // Who asks from now on may have recorded after this flush has read.
    this.#nextFlush = undefined;
    const tick = this.#nextFlushTicks;
    this.#nextFlushTicks = false;
    do {
      for (const journal of this.journals) journal.checkWriter();
      // Cycles follow each other by nature.
      await this.#run({ tick, flush: true });
    } while (this.#collection.isBehind && !this.#isStopped);
    return !this.#isStopped;
  }

  async #load(): Promise<void> {
    const { config, log, onChange } = this.#options;
    let state: PipelineState = 'ok';
    try {
      this.#exporter = await loadExporter(config.exporter);
      this.#delivery = new Delivery(this.#plan, {
        exporter: this.#exporter,
        timeoutMillis: config.reader.exportTimeoutMillis,
        accountOf: (journal) => this.#collection.accountOf(journal),
        onState: (failure) => this.#onState(failure),
        keepsAlive: this.#options.keepsAlive ?? true,
      });
    } catch (error) {
      state = 'failed';
      this.error = error as Error;
      log(`${this.error.message}; metrics of this configuration are dropped, counted as "exporter"`);
    }
    if (this.#isStopped) return this.#exporter?.shutdown();
    try {
      this.#restore();
    } catch (error) {
      return this.#breakOff(error);
    }
    this.state = state;
    onChange();
  }

  #restore(): void {
    const { config } = this.#options;
    const treeResource = this.#treeResource;
    const temporality = this.#exporter?.temporality.bind(this.#exporter) ?? (() => 'cumulative' as const);
    this.#index = new SeriesIndex(treeResource, temporality);
    this.#ingest = new Ingest(this.#index, this.#aggregates, new RequestBuilder(), {
      intervalMillis: config.reader.collectIntervalMillis,
      resampling: config.resampling.type,
      isExported: this.#exporter !== undefined,
      countMerged: (writer, units) => (this.#collection.accountOf(writer).merged += units),
    });
    const { aggregates = [], resources = {} } = this.#checkpoint ?? {};
    this.#aggregates.restore(aggregates, this.#index, (key) =>
      this.#collection.resource(key, resources[key] ?? treeResource),
    );
    this.#checkpoint = undefined;
  }

  /** One cycle, when the one that is running has ended: they never overlap. */
  async #run(occasion: Occasion): Promise<void> {
    // Another one may begin before this goes on.
    while (this.#running !== undefined) await this.#running;
    if (this.#isStopped) return;
    // From here on it is busy, before anything of the cycle is called.
    this.#running = Promise.resolve()
      .then(() => this.#cycle(occasion))
      .catch((error: unknown) => {
        if (!(error instanceof Stopped)) this.#breakOff(error);
      });
    await this.#running;
    this.#running = undefined;
  }

  /** The state in memory may be half a cycle ahead of the checkpoint: only a fresh start is sure to be right. */
  #breakOff(error: unknown): void {
    this.#isStopped = true;
    this.isBroken = true;
    this.state = 'away';
    this.error = error as Error;
    this.#options.onChange();
    this.#options.log(`a cycle failed, and starts again from its checkpoint: ${String(error)}`);
  }

  async #cycle(occasion: Occasion): Promise<void> {
    const unfinished = this.#unfinished;
    if (unfinished !== undefined) {
      this.#unfinished = undefined;
      const planned = unfinished.ranges.map((range) => this.#collection.readAgain(range));
      // Without one of its journals its requests are others than those that were settled.
      if (planned.some(({ journal }) => journal === undefined)) this.#plan.begin(unfinished);
      // What came after the killed server's plan is not in it.
      this.#collection.isBehind = true;
      await this.#execute(unfinished, planned);
      return this.#commit(unfinished);
    }
    const planned = this.#collection.collect();
    const plan = this.#planOf(planned, occasion);
    if (plan === undefined) return;
    this.#plan.begin(plan);
    await this.#execute(plan, planned);
    this.#commit(plan);
  }

  #planOf(planned: readonly PlannedJournal[], { tick, flush }: Occasion): Plan | undefined {
    const nowMillis = Date.now();
    const { collectIntervalMillis, exportIntervalMillis } = this.config.reader;
    if (tick) this.#nextTickMillis = nowMillis + exportIntervalMillis;
    if (planned.length === 0 && ((!tick && !flush) || this.#aggregates.size === 0)) return undefined;
    const ranges = planned.map(({ range }) => range);
    const isLast = flush || this.#collection.allEnd(ranges);
    const untilMillis = isLast ? null : nowMillis - LATENESS_MILLIS;
    return {
      sequence: this.#sequence + 1,
      close: { intervalMillis: collectIntervalMillis, untilMillis, nowMillis, tick },
      ranges,
      endingResources: this.#collection.endingResources(ranges),
      treeResource: this.#treeResource,
    };
  }

  async #execute(plan: Plan, planned: readonly PlannedJournal[]): Promise<void> {
    const ingest = this.#ingest as Ingest;
    const close = { ...plan.close, untilMillis: plan.close.untilMillis ?? Infinity };
    let requests = 0;
    const deliver = async (): Promise<void> => {
      for (const request of ingest.sealed.splice(0)) {
        requests++;
        if (this.#delivery === undefined) {
          for (const [journal, units] of unitsOf(request))
            this.#collection.accountOf(journal).drop('exporter', units);
        } else {
          // One after the other: points of a series must not overtake each other.
          await this.#delivery.deliver(request, String(requests));
          this.progress++;
        }
      }
    };
    for (const { range, journal, chunks } of planned) {
      if (journal === undefined) continue;
      for (const { frames, corruptBytes } of chunks) {
        journal.account.corruptBytes += corruptBytes;
        for (const frame of frames) {
          ingest.frame(journal, frame);
          if (ingest.sealed.length > 0) await deliver();
        }
      }
      if (range.ends) {
        journal.ended = true;
        this.#aggregates.retract(Math.floor(close.nowMillis / close.intervalMillis), journal.id);
      }
    }
    ingest.finish(close, new Set(plan.endingResources));
    await deliver();
  }

  /** From here on the cycle is done. What is deleted afterwards is deleted by the next server if this one is killed. */
  #commit(plan: Plan): void {
    this.#sequence = plan.sequence;
    const ended = [...this.#undeleted, ...this.#collection.retire()];
    for (const key of plan.endingResources) {
      this.#aggregates.forget(key);
      this.#index?.forget(key);
      this.#collection.forget(key);
    }
    const absent = [...this.#absent.values()].filter((state) => !state.ended);
    const state = { sequence: plan.sequence, ...this.#collection.state(ended, absent) };
    writeCheckpoint(this.#options.directory, state, this.#aggregates.state);
    this.#undeleted = ended.filter((journal) => !this.#deletes(journal, () => journal.reader.deleteAll()));
    for (const journal of this.journals) {
      this.#deletes(journal, () => journal.reader.deleteBefore(journal.position));
    }
  }

  /** What resists is tried again at the next commit. */
  #deletes({ id }: TailedJournal, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      this.#options.log(`what is exported of journal ${id} cannot be deleted: ${String(error)}`);
      return false;
    }
  }

  #onState(failure: Error | undefined): void {
    const state = failure === undefined ? 'ok' : 'away';
    if (state === this.state) return;
    this.state = state;
    this.error = failure;
    this.#options.onChange();
    const { type } = this.config.exporter;
    this.#options.log(
      failure === undefined
        ? `exporter ${type}: the backend accepts requests again`
        : `exporter ${type}: ${failure.message}; the journal keeps what waits, and it is tried again`,
    );
  }
}
