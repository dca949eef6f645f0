/**
 * Pipeline: the server's half of a record's path, for one configuration. Read this first, then `cycles.ts`.
 *
 *   journal (read) → ingest → resample → export → commit
 *
 * In: the journals of all writers with this configuration. Out: requests to its exporter.
 * Invariant: a cycle is carried out whole, from one checkpoint to the next, and one at a time. Its plan is on disk before its
 * first request leaves, so that a killed cycle is carried out again, unchanged, by the next server.
 * On failure: a backend that is away holds its own pipeline only; the journals keep what waits. An exporter that cannot
 * be loaded drops what is recorded for it, counted as `exporter`. A cycle that throws breaks the pipeline off.
 */
import type { BatchExporter } from '../exporters/exporter.ts';
import { ensurePrivateDirectory } from '../tree/directory.ts';
import { Cycles, type CyclesOptions, type Occasion } from './cycles.ts';
import { Stopped, type Delivery } from './delivery.ts';
import type { PipelineHealth } from './self-telemetry.ts';
import type { TailedJournal } from './tailed-journal.ts';

/** Captured at load: tests fake timers. */
const { setImmediate } = globalThis;

/** So much waiting is a full request: it leaves before the export interval ends. */
const FULL_BYTES = 512 * 1024;

/** `away`: what is recorded waits in the journals. `failed`: it is dropped. */
export type PipelineState = 'starting' | 'ok' | 'away' | 'failed';

export interface PipelineOptions<Batch> extends CyclesOptions<Batch> {
  /** Of the exporter, for messages. */
  readonly exporterType: string;
  /** Called when `state` has changed. */
  readonly onChange: () => void;
  /** Whether waiting for a backend that is away keeps the process alive. Default true. */
  readonly keepsAlive?: boolean;
}

export class Pipeline<Batch> {
  readonly #options: PipelineOptions<Batch>;
  readonly #cycles: Cycles<Batch>;
  #exporter: BatchExporter<Batch> | undefined;
  #delivery: Delivery<Batch> | undefined;
  #started: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  /** The flush that waits for its turn, for all who ask until then. */
  #nextFlush: Promise<boolean> | undefined;
  #nextFlushTicks = false;
  #nextTickMillis = 0;
  #isStopped = false;
  /** It broke off; a new one has to go on from the checkpoint. */
  isBroken = false;
  state: PipelineState = 'starting';
  error: Error | undefined;

  constructor(options: PipelineOptions<Batch>) {
    this.#options = options;
    ensurePrivateDirectory(options.directory);
    this.#cycles = new Cycles(options);
  }

  get journals(): Iterable<TailedJournal> {
    return this.#cycles.journals;
  }

  get health(): PipelineHealth {
    return this.#cycles.health;
  }

  get pendingBytes(): number {
    return this.#cycles.pendingBytes;
  }

  /** Requests settled so far: whoever waits for an export sees whether it goes on. */
  get progress(): number {
    return this.#cycles.progress;
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** No writer is left, and nothing that waits. */
  get isDrained(): boolean {
    return this.#cycles.isDrained && !this.isBusy && !this.isBroken;
  }

  /** Nothing waits: all that is in the journals was exported. */
  get isExported(): boolean {
    const isIdle = this.state === 'ok' && !this.isBusy && !this.#cycles.hasUnfinished;
    return isIdle && this.pendingBytes === 0 && !this.#cycles.hasOpenWindows;
  }

  /** Takes a journal in, from where the checkpoint left it. One that had ended is only deleted. */
  addJournal(journal: TailedJournal): void {
    this.#cycles.addJournal(journal);
  }

  /** Loads the exporter and, with it, what the checkpoint holds: the temporality is the exporter's. */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /** Looks whether a cycle is due, and starts it. Returns whether there is anything to do. Never throws; one cycle runs at a time. */
  poll(nowMillis: number): boolean {
    // When all is drained, nobody is left for whom totals would be repeated.
    if (this.isBusy || this.#isStopped || this.state === 'starting' || this.isDrained) return this.isBusy;
    const { hasUnfinished, isBehind } = this.#cycles;
    const { pendingBytes } = this;
    const tick = nowMillis >= this.#nextTickMillis && !hasUnfinished;
    if (tick || hasUnfinished || isBehind || pendingBytes >= FULL_BYTES) {
      void this.#run({ tick, flush: false }).then(() => this.#goOn());
    }
    return this.isBusy || pendingBytes > 0;
  }

  /** What a cycle left behind because it was full does not wait for the next poll; other pipelines have their turn first. */
  #goOn(): void {
    if (!this.#cycles.isBehind) return;
    const next = setImmediate(() => this.poll(Date.now()));
    if (this.#options.keepsAlive === false) next.unref();
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
    this.#cycles.close();
    await this.#exporter?.shutdown();
  }

  async #flushNext(): Promise<boolean> {
    await this.start();
    await this.#running;
    // Who asks from now on may have recorded after this flush has read.
    this.#nextFlush = undefined;
    const tick = this.#nextFlushTicks;
    this.#nextFlushTicks = false;
    // A killed cycle is carried out as it was planned, and repeats no totals.
    if (this.#cycles.hasUnfinished) await this.#run({ tick: false, flush: false });
    const isRead = this.#cycles.mark();
    do {
      for (const journal of this.journals) journal.checkWriter();
      // Cycles follow each other by nature.
      await this.#run({ tick, flush: true });
      // Who records faster than can be exported does not hold it up for ever.
    } while (this.#cycles.isBehind && !isRead() && !this.#isStopped);
    return !this.#isStopped;
  }

  async #start(): Promise<void> {
    const { signal, log, onChange, keepsAlive = true } = this.#options;
    let state: PipelineState = 'ok';
    try {
      this.#exporter = await signal.loadExporter();
    } catch (error) {
      state = 'failed';
      this.error = error as Error;
      log(`${this.error.message}; what is recorded for it is dropped, counted as "exporter"`);
    }
    if (this.#isStopped) return this.#exporter?.shutdown();
    try {
      const onState = (failure: Error | undefined): void => this.#onState(failure);
      this.#delivery = this.#cycles.start(this.#exporter, { onState, keepsAlive });
    } catch (error) {
      return this.#breakOff(error);
    }
    this.state = state;
    onChange();
  }

  /** One cycle, when the one that is running has ended: they never overlap. */
  async #run(occasion: Occasion): Promise<void> {
    // Another one may begin before this goes on.
    while (this.#running !== undefined) await this.#running;
    if (this.#isStopped) return;
    if (occasion.tick) this.#nextTickMillis = Date.now() + this.#options.signal.exportIntervalMillis;
    // From here on it is busy, before anything of the cycle is called.
    this.#running = Promise.resolve()
      .then(() => this.#cycles.run(occasion))
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

  #onState(failure: Error | undefined): void {
    const state = failure === undefined ? 'ok' : 'away';
    const isNew = state !== this.state;
    if (!isNew && failure?.message === this.error?.message) return;
    this.state = state;
    this.error = failure;
    this.#options.onChange();
    if (!isNew) return;
    const { exporterType: type } = this.#options;
    this.#options.log(
      failure === undefined
        ? `exporter ${type}: the backend accepts requests again`
        : `exporter ${type}: ${failure.message}; the journal keeps what waits, and it is tried again`,
    );
  }
}
