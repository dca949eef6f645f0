/**
 * Cycles: how a pipeline goes from one checkpoint to the next.
 *
 *   plan: what is read of which journal, and which windows close   on disk before anything leaves
 *   execute: ingest → resample → export                            each request's outcome is appended to the plan
 *   commit: positions, accounts and aggregates                     replaced at once; only then is anything deleted
 *
 * Invariant: a cycle depends on its plan, the last checkpoint and the journals alone; carried out again after a kill it
 * gives the same requests, byte for byte.
 * On failure: it throws, and nothing in memory is to be used any more; the checkpoint is whole.
 */
import type { MetricsConfig } from '../config/signals.ts';
import type { MetricsExporter, ResourceDescriptor } from '../exporters/exporter.ts';
import { Aggregates } from './aggregates.ts';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { Collection, type PlannedJournal } from './collection.ts';
import { Delivery, type DeliveryOptions } from './delivery.ts';
import { Ingest } from './ingest.ts';
import { PlanLog, type Plan } from './plan.ts';
import { RequestBuilder, unitsOf, type Request } from './request.ts';
import { SeriesIndex } from './series.ts';
import { splitByResource } from './split.ts';
import type { JournalState, TailedJournal } from './tailed-journal.ts';

/** A window stays open for so long after its end, for batches that are still on their way. */
const LATENESS_MILLIS = 200;

/** Why a cycle runs. A tick sends unchanged totals too, a flush closes every window. */
export interface Occasion {
  readonly tick: boolean;
  readonly flush: boolean;
}

export interface CyclesOptions {
  /** Where plan and checkpoint lie. */
  readonly directory: string;
  readonly config: MetricsConfig;
  readonly treeResource: ResourceDescriptor;
  readonly log: (message: string) => void;
}

export class Cycles {
  readonly #options: CyclesOptions;
  readonly #treeResource: ResourceDescriptor;
  readonly #collection: Collection;
  readonly #aggregates = new Aggregates();
  readonly #plan: PlanLog;
  #checkpoint: Checkpoint | undefined;
  #unfinished: Plan | undefined;
  #sequence: number;
  #index: SeriesIndex | undefined;
  #ingest: Ingest | undefined;
  #delivery: Delivery | undefined;
  #takesOneResource = false;
  /** What the checkpoint says of journals that are not here, as they could not be read. */
  readonly #absent = new Map<string, JournalState>();
  /** Ended journals whose files could not be deleted so far. */
  #undeleted: TailedJournal[] = [];
  /** Requests settled so far. */
  progress = 0;

  constructor(options: CyclesOptions) {
    this.#options = options;
    this.#checkpoint = readCheckpoint(options.directory);
    for (const state of this.#checkpoint?.journals ?? []) this.#absent.set(state.id, state);
    this.#sequence = this.#checkpoint?.sequence ?? 0;
    this.#collection = new Collection(this.#checkpoint?.retired);
    this.#plan = new PlanLog(options.directory);
    const plan = this.#plan.load();
    if (plan?.sequence === this.#sequence + 1) this.#unfinished = plan;
    this.#treeResource = this.#unfinished?.treeResource ?? options.treeResource;
  }

  get journals(): Iterable<TailedJournal> {
    return this.#collection.journals;
  }

  get pendingBytes(): number {
    return this.#collection.pendingBytes;
  }

  /** Whether the last cycle left something behind because it was full. */
  get isBehind(): boolean {
    return this.#collection.isBehind;
  }

  /** Remembers what is in the journals now; the answer says whether all of it has been read since. */
  mark(): () => boolean {
    return this.#collection.mark();
  }

  /** Whether a cycle that was killed waits to be carried out again. */
  get hasUnfinished(): boolean {
    return this.#unfinished !== undefined;
  }

  /** No writer is left, and nothing that waits: the last writer's end closes every window. */
  get isDrained(): boolean {
    return this.#collection.size === 0 && !this.hasUnfinished;
  }

  /** Whether anything waits for its window to close. */
  get hasOpenWindows(): boolean {
    return this.#aggregates.hasOpenWindows;
  }

  /** Takes a journal in, from where the checkpoint left it. One that had ended is only deleted. */
  addJournal(journal: TailedJournal): void {
    const known = this.#absent.get(journal.id);
    this.#absent.delete(journal.id);
    if (known !== undefined) journal.restore(known);
    if (!journal.ended) this.#collection.add(journal);
    else if (!this.#deletes(journal, () => journal.reader.deleteAll())) this.#undeleted.push(journal);
  }

  /** Goes on from the checkpoint, to be called once. Without an exporter everything is dropped, counted as `exporter`. */
  start(
    exporter: MetricsExporter | undefined,
    delivery: Pick<DeliveryOptions, 'onState' | 'keepsAlive'>,
  ): Delivery | undefined {
    const { config } = this.#options;
    const accountOf = (journal: string) => this.#collection.accountOf(journal);
    if (exporter !== undefined) {
      const { exportTimeoutMillis: timeoutMillis } = config.reader;
      this.#delivery = new Delivery(this.#plan, { exporter, timeoutMillis, accountOf, ...delivery });
      this.#takesOneResource = exporter.takesOneResource === true;
    }
    this.#index = new SeriesIndex(
      this.#treeResource,
      (kind) => exporter?.temporality(kind) ?? ('cumulative' as const),
    );
    this.#ingest = new Ingest(this.#index, this.#aggregates, new RequestBuilder(), {
      intervalMillis: config.reader.collectIntervalMillis,
      resampling: config.resampling.type,
      isExported: exporter !== undefined,
      countMerged: (writer, units) => (accountOf(writer).merged += units),
    });
    const { aggregates = [], resources = {} } = this.#checkpoint ?? {};
    this.#aggregates.restore(aggregates, this.#index, (key) =>
      this.#collection.resource(key, resources[key] ?? this.#treeResource),
    );
    this.#checkpoint = undefined;
    return this.#delivery;
  }

  /** One cycle: the unfinished one, if there is one. */
  async run(occasion: Occasion): Promise<void> {
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

  close(): void {
    this.#plan.close();
    for (const journal of this.journals) journal.reader.close();
  }

  #planOf(planned: readonly PlannedJournal[], { tick, flush }: Occasion): Plan | undefined {
    if (planned.length === 0 && ((!tick && !flush) || this.#aggregates.size === 0)) return undefined;
    const nowMillis = Date.now();
    const ranges = planned.map(({ range }) => range);
    const closesAll = flush || this.#collection.allEnd(ranges);
    return {
      sequence: this.#sequence + 1,
      close: {
        intervalMillis: this.#options.config.reader.collectIntervalMillis,
        untilMillis: closesAll ? null : nowMillis - LATENESS_MILLIS,
        nowMillis,
        tick,
      },
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
      for (const sealed of ingest.sealed.splice(0)) {
        for (const request of this.#takesOneResource ? splitByResource(sealed) : [sealed]) {
          // One after the other: points of a series must not overtake each other.
          await this.#deliver(request, String(++requests));
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

  async #deliver(request: Request, name: string): Promise<void> {
    if (this.#delivery === undefined) {
      for (const [journal, units] of unitsOf(request)) {
        this.#collection.accountOf(journal).drop('exporter', units);
      }
    } else {
      await this.#delivery.deliver(request, name);
      this.progress++;
    }
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
}
