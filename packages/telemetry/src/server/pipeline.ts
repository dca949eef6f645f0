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
import type { Attributes } from '@opentelemetry/api';
import type { MetricsConfig } from '../config/metrics.ts';
import type { BatchExporter, ResourceDescriptor } from '../exporters/exporter.ts';
import { loadExporter } from '../exporters/load.ts';
import { FrameType } from '../journal/frame.ts';
import type { Chunk } from '../journal/reader.ts';
import { ensurePrivateDirectory } from '../tree/directory.ts';
import { JournalAccount } from './account.ts';
import { Aggregates } from './aggregates.ts';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { Delivery, Stopped } from './delivery.ts';
import { Ingest } from './ingest.ts';
import { PlanLog, type Plan, type PlannedRange } from './plan.ts';
import { RequestBuilder } from './request.ts';
import { SeriesIndex } from './series.ts';
import type { TailedJournal } from './tailed-journal.ts';

/** Journal bytes of one cycle at most: what is in memory at a time, and what is sent again after a kill. */
const CYCLE_BYTES = 8 * 1024 * 1024;
/** One journal's share before the next one has its turn. */
const TURN_BYTES = 1024 * 1024;
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
}

/** What a cycle has read, together with what its plan says of it. */
interface PlannedJournal {
  readonly range: PlannedRange;
  readonly journal: TailedJournal | undefined;
  readonly chunks: Iterable<Chunk>;
}

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #journals = new Map<string, TailedJournal>();
  readonly #aggregates = new Aggregates();
  readonly #builder = new RequestBuilder();
  readonly #resources = new Map<string, ResourceDescriptor>();
  readonly #plan: PlanLog;
  #checkpoint: Checkpoint | undefined;
  #sequence = 0;
  #retiredWriters = 0;
  #retired = new JournalAccount();
  #exporter: BatchExporter | undefined;
  #index: SeriesIndex | undefined;
  #ingest: Ingest | undefined;
  #delivery: Delivery | undefined;
  #unfinished: Plan | undefined;
  #rotation = 0;
  #nextTickMillis = 0;
  #running: Promise<void> | undefined;
  #lastCycleWasFull = false;
  #started: Promise<void> | undefined;
  #isStopped = false;
  state: PipelineState = 'starting';
  error: Error | undefined;
  /** Requests settled so far: whoever waits for an export sees whether it goes on. */
  progress = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
    ensurePrivateDirectory(options.directory);
    this.#checkpoint = readCheckpoint(options.directory);
    this.#plan = new PlanLog(options.directory);
    const plan = this.#plan.load();
    if (this.#checkpoint !== undefined) {
      this.#sequence = this.#checkpoint.sequence;
      this.#retiredWriters = this.#checkpoint.retired.writers;
      this.#retired = new JournalAccount(this.#checkpoint.retired.account);
    }
    if (plan?.sequence === this.#sequence + 1) this.#unfinished = plan;
  }

  get config(): MetricsConfig {
    return this.#options.config;
  }

  get journals(): Iterable<TailedJournal> {
    return this.#journals.values();
  }

  /** Takes a journal in, from where the checkpoint left it. One that had ended is only deleted. */
  addJournal(journal: TailedJournal): void {
    const known = this.#checkpoint?.journals.find(({ id }) => id === journal.id);
    if (known !== undefined) journal.restore(known);
    if (journal.ended) return journal.reader.deleteAll();
    journal.resource = this.#resource(journal.resourceKey, journal.resource.attributes);
    this.#journals.set(journal.id, journal);
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** Loads the exporter and, with it, what the checkpoint holds: the temporality is the exporter's. */
  start(): Promise<void> {
    this.#started ??= this.#load();
    return this.#started;
  }

  async #load(): Promise<void> {
    const { config, log } = this.#options;
    try {
      this.#exporter = await loadExporter(config.exporter);
    } catch (error) {
      this.state = 'failed';
      this.error = error as Error;
      log(`${(error as Error).message}; metrics of this configuration are dropped, counted as "exporter"`);
    }
    const temporality = this.#exporter?.temporality.bind(this.#exporter) ?? (() => 'cumulative' as const);
    this.#index = new SeriesIndex(this.#options.treeResource, temporality);
    this.#ingest = new Ingest(this.#index, this.#aggregates, this.#builder, {
      intervalMillis: config.reader.collectIntervalMillis,
      resampling: config.resampling.type,
      countMerged: (writer, units) => (this.#accountOf(writer).merged += units),
    });
    if (this.#exporter !== undefined) {
      this.state = 'ok';
      this.#delivery = new Delivery(this.#plan, {
        exporter: this.#exporter,
        timeoutMillis: config.reader.exportTimeoutMillis,
        accountOf: (journal) => this.#accountOf(journal),
        onState: (failure) => this.#onState(failure),
      });
    }
    const { aggregates = [], resources = {} } = this.#checkpoint ?? {};
    this.#aggregates.restore(aggregates, this.#index, (key) => this.#resource(key, resources[key] ?? {}));
    this.#checkpoint = undefined;
    this.#options.onChange();
  }

  /** Looks whether a cycle is due, and starts it. Never throws; one cycle runs at a time. */
  poll(nowMillis: number): void {
    if (this.#running !== undefined || this.#isStopped || this.state === 'starting') return;
    const isTick = nowMillis >= this.#nextTickMillis;
    const isFull = this.#lastCycleWasFull || this.pendingBytes >= FULL_BYTES;
    if (isTick || isFull || this.#unfinished !== undefined) void this.#run(isTick, false);
  }

  /** Exports everything that is in the journals now, open windows included. */
  async flush(): Promise<void> {
    await this.start();
    this.#delivery?.retryNow();
    do {
      // Cycles follow each other by nature.
      // oxlint-disable-next-line no-await-in-loop
      while (this.#running !== undefined) await this.#running;
      if (this.#isStopped) return;
      for (const journal of this.#journals.values()) journal.checkWriter();
      // oxlint-disable-next-line no-await-in-loop
      await this.#run(true, true);
    } while (this.#lastCycleWasFull);
  }

  /** Stops at once, between two requests; what is unfinished stays on disk. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#delivery?.stop();
    await this.#running;
    this.#plan.close();
    for (const journal of this.#journals.values()) journal.reader.close();
    await this.#exporter?.shutdown();
  }

  get pendingBytes(): number {
    let bytes = 0;
    for (const { reader, position } of this.#journals.values()) bytes += reader.pendingBytes(position);
    return bytes;
  }

  /** No writer is left, and nothing that waits. */
  get isDrained(): boolean {
    return this.#journals.size === 0 && this.#unfinished === undefined && this.#running === undefined;
  }

  async #run(isTick: boolean, isFlush: boolean): Promise<void> {
    this.#running = this.#cycle(isTick, isFlush).catch((error: unknown) => {
      if (error instanceof Stopped) return;
      // The state in memory may be half a cycle ahead of the checkpoint: only a fresh start is sure to be right.
      this.#isStopped = true;
      this.error = error as Error;
      this.state = 'failed';
      this.#options.onChange();
      this.#options.log(`a cycle failed and its pipeline stops until the server restarts: ${String(error)}`);
    });
    await this.#running;
    this.#running = undefined;
  }

  async #cycle(isTick: boolean, isFlush: boolean): Promise<void> {
    const nowMillis = Date.now();
    const { collectIntervalMillis, exportIntervalMillis } = this.config.reader;
    let plan = this.#unfinished;
    let planned: PlannedJournal[];
    if (plan !== undefined) {
      this.#unfinished = undefined;
      planned = plan.ranges.map((range) => this.#read(range));
      this.#lastCycleWasFull = true;
    } else {
      planned = this.#collect();
      if (isTick) this.#nextTickMillis = nowMillis + exportIntervalMillis;
      if (planned.length === 0 && (!isTick || this.#aggregates.size === 0)) return;
      const untilMillis = isFlush ? null : nowMillis - LATENESS_MILLIS;
      const close = { intervalMillis: collectIntervalMillis, untilMillis, nowMillis, tick: isTick };
      const ranges = planned.map(({ range }) => range);
      plan = { sequence: this.#sequence + 1, close, ranges, endingResources: this.#endingResources(ranges) };
      this.#plan.begin(plan);
    }
    await this.#execute(plan, planned);
    this.#commit(plan);
  }

  /** Reads on in every journal, each in its turn, until all is read or the cycle is full. */
  #collect(): PlannedJournal[] {
    const found = new Map<TailedJournal, { from: TailedJournal['position']; chunks: Chunk[] }>();
    const waiting = [...this.#journals.values()];
    // Another journal is first in each cycle, so that none starves when cycles are full.
    this.#rotation = waiting.length === 0 ? 0 : (this.#rotation + 1) % waiting.length;
    waiting.push(...waiting.splice(0, this.#rotation));
    const planned: PlannedJournal[] = [];
    let bytes = 0;
    while (waiting.length > 0 && bytes < CYCLE_BYTES) {
      const journal = waiting.shift() as TailedJournal;
      const chunk = journal.read(TURN_BYTES);
      const entry = found.get(journal) ?? { from: journal.position, chunks: [] };
      found.set(journal, entry);
      if (chunk !== undefined) {
        entry.chunks.push(chunk);
        journal.position = chunk.to;
        bytes += chunk.frames.reduce((size, { payload }) => size + payload.length, 0);
        waiting.push(journal);
        continue;
      }
      const saysGoodbye = entry.chunks.at(-1)?.frames.at(-1)?.type === FrameType.GOODBYE;
      const ends = journal.isFinal || saysGoodbye;
      if (entry.chunks.length === 0 && !ends) continue;
      planned.push(this.#planned(journal, entry, ends));
      found.delete(journal);
    }
    this.#lastCycleWasFull = waiting.length > 0;
    for (const journal of waiting) {
      const entry = found.get(journal);
      if (entry !== undefined && entry.chunks.length > 0) planned.push(this.#planned(journal, entry, false));
    }
    return planned;
  }

  #planned(
    journal: TailedJournal,
    entry: { from: TailedJournal['position']; chunks: Chunk[] },
    ends: boolean,
  ): PlannedJournal {
    const range = { journal: journal.id, from: entry.from, to: journal.position, ends };
    return { range, journal, chunks: entry.chunks };
  }

  /** The same frames again, for a plan that a killed server left. */
  #read(range: PlannedRange): PlannedJournal {
    const journal = this.#journals.get(range.journal);
    if (journal === undefined) return { range, journal, chunks: [] };
    journal.position = range.to;
    return { range, journal, chunks: journal.reader.readRange(range.from, range.to) };
  }

  /** Processes of which no journal goes on: their windows close, and their series are sent for the last time. */
  #endingResources(ranges: readonly PlannedRange[]): string[] {
    const ending = new Set(ranges.filter(({ ends }) => ends).map(({ journal }) => journal));
    const all = [...this.#journals.values()];
    const goOn = new Set(all.filter(({ id }) => !ending.has(id)).map(({ resourceKey }) => resourceKey));
    return [...new Set(all.map(({ resourceKey }) => resourceKey))].filter((key) => !goOn.has(key));
  }

  async #execute(plan: Plan, planned: readonly PlannedJournal[]): Promise<void> {
    const ingest = this.#ingest as Ingest;
    const close = { ...plan.close, untilMillis: plan.close.untilMillis ?? Infinity };
    let requests = 0;
    const deliver = async (): Promise<void> => {
      for (const request of ingest.sealed.splice(0)) {
        requests++;
        if (this.#delivery === undefined) {
          for (const [journal, units] of request.units) this.#accountOf(journal).drop('exporter', units);
        } else {
          // One after the other: points of a series must not overtake each other.
          // oxlint-disable-next-line no-await-in-loop
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
          // oxlint-disable-next-line no-await-in-loop
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
    const ended: TailedJournal[] = [];
    const states = [];
    for (const journal of this.#journals.values()) {
      if (journal.ended) ended.push(journal);
      states.push(journal.state);
    }
    for (const journal of ended) this.#retire(journal);
    for (const key of plan.endingResources) this.#forget(key);
    writeCheckpoint(
      this.#options.directory,
      {
        sequence: plan.sequence,
        journals: states,
        retired: { writers: this.#retiredWriters, account: this.#retired.state },
        resources: Object.fromEntries([...this.#resources].map(([key, { attributes }]) => [key, attributes])),
      },
      this.#aggregates.state,
    );
    for (const journal of ended) journal.reader.deleteAll();
    for (const { reader, position } of this.#journals.values()) reader.deleteBefore(position);
  }

  #retire(journal: TailedJournal): void {
    this.#journals.delete(journal.id);
    this.#retiredWriters++;
    this.#retired.include(journal.account);
  }

  #forget(resourceKey: string): void {
    this.#aggregates.forget(resourceKey);
    this.#index?.forget(resourceKey);
    this.#resources.delete(resourceKey);
  }

  #accountOf(journal: string): JournalAccount {
    return this.#journals.get(journal)?.account ?? this.#retired;
  }

  #resource(key: string, attributes: Attributes): ResourceDescriptor {
    let resource = this.#resources.get(key);
    if (resource === undefined) {
      resource = { attributes };
      this.#resources.set(key, resource);
    }
    return resource;
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
