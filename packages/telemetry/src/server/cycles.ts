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
import type { BatchExporter, ExportOutcome, ResourceDescriptor } from '../exporters/exporter.ts';
import { BASE_BYTES, readBase } from '../journal/columns.ts';
import { FrameType, PROTOCOL_VERSION, type Frame } from '../journal/frame.ts';
import type { Account } from './account.ts';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { Collection, type PlannedJournal } from './collection.ts';
import { Delivery, type DeliveryOptions } from './delivery.ts';
import { Outbox, turn } from './outbox.ts';
import { PlanLog, type Plan } from './plan.ts';
import { unitsOf, type Intake, type Request, type Signal } from './signal.ts';
import type { PipelineHealth, SelfObservation } from './self-telemetry.ts';
import type { JournalState, TailedJournal } from './tailed-journal.ts';

/** So much is ingested at a stretch: a fraction of a millisecond, in which nothing is sent. */
const TURN_BYTES = 64 * 1024;
/** A window stays open for so long after its end, for batches that are still on their way. */
const LATENESS_MILLIS = 200;

/** Why a cycle runs. A tick sends unchanged totals too, a flush closes every window. */
export interface Occasion {
  readonly tick: boolean;
  readonly flush: boolean;
}

export interface CyclesOptions<Batch> {
  /** Where plan and checkpoint lie. */
  readonly directory: string;
  readonly signal: Signal<Batch>;
  readonly treeResource: ResourceDescriptor;
  readonly log: (message: string) => void;
  /** What the server says of itself since it was asked last: for metrics, at each tick. */
  readonly takeSelf?: () => SelfObservation;
  /** Called after each request. */
  readonly onExported?: (seconds: number) => void;
  /** Called after a cycle: how long before that the oldest of what it read had been recorded. */
  readonly onIngested?: (seconds: number) => void;
}

export class Cycles<Batch> {
  readonly #options: CyclesOptions<Batch>;
  readonly #treeResource: ResourceDescriptor;
  readonly #collection: Collection;
  readonly #plan: PlanLog;
  #checkpoint: Checkpoint | undefined;
  #unfinished: Plan | undefined;
  #sequence: number;
  #intake: Intake<Batch> | undefined;
  #delivery: Delivery<Batch> | undefined;
  /** Where nothing can be exported, everything is dropped. */
  #isExported = false;
  #takesOneResource = false;
  /** What the checkpoint says of journals that are not here, as they could not be read. */
  readonly #absent = new Map<string, JournalState>();
  /** Ended journals whose files could not be deleted so far, or are read by another pipeline still. */
  #undeleted: TailedJournal[] = [];
  /** Requests by what became of them. */
  readonly #requests: Record<string, number>;
  /** Epoch milliseconds of the oldest batch of the cycle. */
  #oldestMillis = Infinity;
  /** As of the last commit. */
  #account: Account;
  /** Requests settled so far. */
  progress = 0;

  constructor(options: CyclesOptions<Batch>) {
    this.#options = options;
    this.#checkpoint = readCheckpoint(options.directory);
    for (const state of this.#checkpoint?.journals ?? []) this.#absent.set(state.id, state);
    this.#sequence = this.#checkpoint?.sequence ?? 0;
    this.#collection = new Collection(this.#checkpoint?.retired);
    this.#requests = { ...this.#checkpoint?.requests };
    this.#account = this.#collection.total.total(0, 0);
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

  get health(): PipelineHealth {
    const { pendingBytes, size: writers } = this.#collection;
    return { account: this.#account, requests: this.#requests, pendingBytes, writers };
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
    return this.#intake?.hasOpenWindows === true;
  }

  /** Takes a journal in, from where the checkpoint left it. One that had ended is only deleted. */
  addJournal(journal: TailedJournal): void {
    const known = this.#absent.get(journal.id);
    this.#absent.delete(journal.id);
    if (known !== undefined) journal.restore(known);
    if (!journal.ended) this.#collection.add(journal);
    else if (!this.#release(journal)) this.#undeleted.push(journal);
  }

  /** Goes on from the checkpoint, to be called once. Without an exporter everything is dropped, counted as `exporter`. */
  start(
    exporter: BatchExporter<Batch> | undefined,
    options: Pick<DeliveryOptions<Batch>, 'onState' | 'keepsAlive'>,
  ): Delivery<Batch> | undefined {
    const { signal } = this.#options;
    const accountOf = (journal: string) => this.#collection.accountOf(journal);
    if (exporter !== undefined) {
      const { exportTimeoutMillis: timeoutMillis, splitter } = signal;
      this.#delivery = new Delivery(this.#plan, {
        exporter,
        splitter,
        timeoutMillis,
        accountOf,
        onOutcome: (outcome, seconds) => this.#onOutcome(outcome, seconds),
        ...options,
      });
      this.#takesOneResource = exporter.takesOneResource === true;
      this.#isExported = true;
    }
    const { resources = {} } = this.#checkpoint ?? {};
    this.#intake = signal.createIntake({
      treeResource: this.#treeResource,
      restored: this.#checkpoint ?? {},
      resourceOf: (key) => this.#collection.resource(key, resources[key] ?? this.#treeResource),
      countMerged: (journal, units) => (accountOf(journal).merged += units),
    });
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
    if (planned.length === 0 && ((!tick && !flush) || this.#intake?.isEmpty !== false)) return undefined;
    const nowMillis = Date.now();
    const self = tick ? this.#options.takeSelf?.() : undefined;
    const ranges = planned.map(({ range }) => range);
    const closesAll = flush || this.#collection.allEnd(ranges);
    return {
      sequence: this.#sequence + 1,
      close: {
        intervalMillis: this.#options.signal.collectIntervalMillis,
        untilMillis: closesAll ? null : nowMillis - LATENESS_MILLIS,
        nowMillis,
        tick,
      },
      ranges,
      endingResources: this.#collection.endingResources(ranges),
      treeResource: this.#treeResource,
      ...(self === undefined ? {} : { self }),
    };
  }

  async #execute(plan: Plan, planned: readonly PlannedJournal[]): Promise<void> {
    const delivery = this.#delivery;
    const outbox = delivery && new Outbox(delivery, () => void this.progress++);
    try {
      await this.#ingest(plan, planned, outbox);
    } finally {
      await outbox?.end();
    }
  }

  async #ingest(
    plan: Plan,
    planned: readonly PlannedJournal[],
    outbox: Outbox<Batch> | undefined,
  ): Promise<void> {
    const intake = this.#intake as Intake<Batch>;
    const close = { ...plan.close, untilMillis: plan.close.untilMillis ?? Infinity };
    let bytes = 0;
    for (const { range, journal, chunks } of planned) {
      if (journal === undefined) continue;
      for (const chunk of chunks) {
        journal.account.corruptBytes += chunk.corruptBytes;
        for (let index = 0; index < chunk.length; index++) {
          const frame = chunk.frameAt(index);
          this.#takeIn(intake, journal, frame);
          if (intake.sealed.length > 0) await this.#send(intake, outbox);
          bytes += frame.payload.length;
          if (bytes < TURN_BYTES) continue;
          bytes = 0;
          await turn();
        }
      }
      if (range.ends) {
        journal.ended = true;
        intake.end(journal, close, range.endedAtMillis ?? close.nowMillis);
      }
    }
    if (plan.self !== undefined) intake.observe?.(plan.self, close);
    intake.finish(close, new Set(plan.endingResources));
    await this.#send(intake, outbox);
  }

  /** Sends what is full; where nothing can be sent, drops it. */
  async #send({ sealed }: Intake<Batch>, outbox: Outbox<Batch> | undefined): Promise<void> {
    const { splitter } = this.#options.signal;
    for (const whole of sealed.splice(0)) {
      for (const request of this.#takesOneResource ? splitter.byResource(whole) : [whole]) {
        if (outbox === undefined) this.#dropUnits(request);
        else await outbox.add(request);
      }
    }
  }

  /** A data frame that was seen before (a rescued batch) is skipped by its sequence number. */
  #takeIn(intake: Intake<Batch>, journal: TailedJournal, frame: Frame): void {
    const { account } = journal;
    if (frame.type === FrameType.SEGMENT || frame.sequence <= journal.lastSequence) return;
    journal.lastSequence = frame.sequence;
    account.received += frame.units;
    this.#oldestMillis = Math.min(this.#oldestMillis, recordedAtMillis(frame));
    if (!this.#isExported && frame.units > 0) account.drop('exporter', frame.units);
    else if (frame.version !== PROTOCOL_VERSION) account.drop('unknown_frame', frame.units);
    else if (frame.type === FrameType.ACCOUNT) account.readFrame(frame);
    else if (frame.type === FrameType.GOODBYE) journal.saidGoodbye = true;
    else if (!intake.frame(journal, frame)) account.drop('unknown_frame', frame.units);
  }

  #dropUnits(request: Request<Batch>): void {
    for (const [journal, units] of unitsOf(request)) {
      this.#collection.accountOf(journal).drop('exporter', units);
    }
    request.release?.();
  }

  #onOutcome({ status }: ExportOutcome, seconds: number): void {
    this.#requests[status] = (this.#requests[status] ?? 0) + 1;
    this.#options.onExported?.(seconds);
  }

  /** From here on the cycle is done. What is deleted afterwards is deleted by the next server if this one is killed. */
  #commit(plan: Plan): void {
    this.#sequence = plan.sequence;
    const ended = [...this.#undeleted, ...this.#collection.retire()];
    for (const key of plan.endingResources) {
      this.#intake?.forget(key);
      this.#collection.forget(key);
    }
    const absent = [...this.#absent.values()].filter((state) => !state.ended);
    const requests = this.#requests;
    const state = { sequence: plan.sequence, requests, ...this.#collection.state(ended, absent) };
    writeCheckpoint(this.#options.directory, state, (this.#intake as Intake<Batch>).state);
    this.#account = this.#collection.total.total(0, 0);
    if (this.#oldestMillis < Infinity) {
      this.#options.onIngested?.(Math.max(0, Date.now() - this.#oldestMillis) / 1000);
      this.#oldestMillis = Infinity;
    }
    this.#undeleted = ended.filter((journal) => !this.#release(journal));
    for (const journal of this.journals) this.#release(journal);
  }

  /** What resists is tried again at the next commit. */
  #release(journal: TailedJournal): boolean {
    try {
      return journal.release();
    } catch (error) {
      this.#options.log(`what is exported of journal ${journal.id} cannot be deleted: ${String(error)}`);
      return false;
    }
  }
}

/** When the first row of a frame was recorded; Infinity where a frame has no time. */
function recordedAtMillis(frame: Frame): number {
  const hasTime =
    (frame.type >= FrameType.SAMPLES && frame.type <= FrameType.OPERATIONS) ||
    frame.type === FrameType.TRACED_OPERATIONS;
  if (!hasTime || frame.rows === 0 || frame.payload.length < BASE_BYTES) return Infinity;
  const { seconds, nanos } = readBase(frame);
  return seconds * 1000 + nanos / 1e6;
}
