/**
 * Forwarding: what stands in the place of a pipeline where a tree's records go to a server elsewhere.
 *
 *   journal (read) → link → commit
 *
 * In: the journals of all writers with this configuration. Out: the same frames, at the server.
 * Invariant: a position is committed, and what lies before it deleted, only when the server has it in a journal of its own.
 * In the account, that is `exported`.
 * On failure: the link tries again for ever; the journals keep what waits. A cycle that throws breaks the forwarding off.
 */
import { ensurePrivateDirectory } from '../tree/directory.ts';
import { FrameType, type Frame } from '../journal/frame.ts';
import { readCheckpoint, writeCheckpoint } from '../server/checkpoint.ts';
import { Collection, type PlannedJournal } from '../server/collection.ts';
import type { PipelineState } from '../server/pipeline.ts';
import type { JournalState, TailedJournal } from '../server/tailed-journal.ts';
import type { Link } from './link.ts';
import { pack, type Parcel } from './parcel.ts';

export interface ForwardingOptions {
  /** Where the checkpoint lies. */
  readonly directory: string;
  /** Of the configuration. */
  readonly digest: string;
  /** Of the exporter that the server has for it. */
  readonly exporterType: string;
  readonly link: Link;
  readonly log: (message: string) => void;
}

export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #collection: Collection;
  /** What the checkpoint says of journals that are not here, as they could not be read. */
  readonly #absent = new Map<string, JournalState>();
  #undeleted: TailedJournal[] = [];
  #sequence: number;
  #running: Promise<void> | undefined;
  #bytesOnTheWay = 0;
  #isStopped = false;
  isBroken = false;

  constructor(options: ForwardingOptions) {
    this.#options = options;
    ensurePrivateDirectory(options.directory);
    const checkpoint = readCheckpoint(options.directory);
    for (const state of checkpoint?.journals ?? []) this.#absent.set(state.id, state);
    this.#sequence = checkpoint?.sequence ?? 0;
    this.#collection = new Collection(checkpoint?.retired);
  }

  get exporterType(): string {
    return this.#options.exporterType;
  }

  get journals(): Iterable<TailedJournal> {
    return this.#collection.journals;
  }

  get pendingBytes(): number {
    return this.#collection.pendingBytes;
  }

  /** Bytes in the journals that the server does not have, as far as is known. */
  get bytesBehind(): number {
    let bytes = this.#bytesOnTheWay;
    for (const { reader, position } of this.journals) bytes += reader.bytesBehind(position);
    return bytes;
  }

  get progress(): number {
    return this.#options.link.settled;
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  get state(): PipelineState {
    const { isConnected, error } = this.#options.link;
    if (isConnected) return 'ok';
    return error === undefined ? 'starting' : 'away';
  }

  get error(): Error | undefined {
    return this.#options.link.error;
  }

  get isDrained(): boolean {
    return this.#collection.size === 0 && !this.isBusy && !this.isBroken;
  }

  get isExported(): boolean {
    return !this.isBusy && this.pendingBytes === 0;
  }

  addJournal(journal: TailedJournal): void {
    const known = this.#absent.get(journal.id);
    this.#absent.delete(journal.id);
    if (known !== undefined) journal.restore(known);
    this.#options.link.hold(journal.id);
    if (!journal.ended) this.#collection.add(journal);
    else if (!this.#release(journal)) this.#undeleted.push(journal);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Returns whether there is anything to do. */
  poll(): boolean {
    if (this.isBusy || this.#isStopped) return this.isBusy;
    const { isBehind, pendingBytes } = this.#collection;
    const hasEnd = [...this.journals].some(({ isFinal }) => isFinal);
    if (isBehind || pendingBytes > 0 || hasEnd) void this.#run();
    return this.isBusy;
  }

  /**
   * Hands over everything that is in the journals now; without `handOver`, waits until the server has exported it too.
   * Resolves with `false` where it was stopped, or broke off, before that.
   */
  async flush({
    handOver = false,
  }: {
    readonly tick: boolean;
    readonly handOver?: boolean;
  }): Promise<boolean> {
    const { link, digest } = this.#options;
    link.retryNow();
    await this.#running;
    const isRead = this.#collection.mark();
    do {
      for (const journal of this.journals) journal.checkWriter();
      await this.#run();
    } while (!isRead() && !this.#isStopped);
    if (this.#isStopped) return false;
    return handOver || link.flush(digest);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    for (const journal of this.journals) journal.reader.close();
  }

  /** One cycle, when the one that is running has ended. */
  async #run(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    if (this.#isStopped) return;
    this.#running = this.#cycle().catch((error: unknown) => {
      this.#isStopped = true;
      this.isBroken = true;
      this.#options.log(`forwarding failed, and starts again from its checkpoint: ${String(error)}`);
    });
    await this.#running;
    this.#running = undefined;
  }

  async #cycle(): Promise<void> {
    const planned = this.#collection.collect();
    if (planned.length === 0 && this.#undeleted.length === 0) return;
    const parcels = planned.flatMap((one) => parcelOf(one) ?? []);
    this.#bytesOnTheWay = parcels.reduce(
      (sum, { pieces }) => sum + pieces.reduce((total, { bytes }) => total + bytes.length, 0),
      0,
    );
    const settled = await Promise.all(parcels.map((parcel) => this.#options.link.deliver(parcel)));
    this.#bytesOnTheWay = 0;
    // Without an answer the next server sends them again.
    if (settled.every(Boolean)) this.#commit(planned);
  }

  #commit(planned: readonly PlannedJournal[]): void {
    for (const key of this.#collection.endingResources(planned.map(({ range }) => range))) {
      this.#collection.forget(key);
    }
    const ended = [...this.#undeleted, ...this.#collection.retire()];
    const absent = [...this.#absent.values()].filter((state) => !state.ended);
    const state = { sequence: ++this.#sequence, ...this.#collection.state(ended, absent) };
    writeCheckpoint(this.#options.directory, state, '{"isForwarded":true}');
    this.#undeleted = ended.filter((journal) => !this.#release(journal));
    for (const journal of this.journals) this.#release(journal);
  }

  /** What resists is tried again after the next cycle. */
  #release(journal: TailedJournal): boolean {
    try {
      if (!journal.release()) return false;
    } catch (error) {
      this.#options.log(`what was handed over of journal ${journal.id} cannot be deleted: ${String(error)}`);
      return false;
    }
    if (journal.ended) this.#options.link.forget(journal.id);
    return true;
  }
}

/** What of a range has not been seen before; counted as exported, since this is committed only when the server has it. */
function parcelOf({ range, journal, chunks }: PlannedJournal): Parcel | undefined {
  if (journal === undefined) return undefined;
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    journal.account.corruptBytes += chunk.corruptBytes;
    for (const frame of chunk.frames) {
      if (frame.type === FrameType.SEGMENT || frame.sequence <= journal.lastSequence) continue;
      journal.lastSequence = frame.sequence;
      journal.account.received += frame.units;
      journal.account.exported += frame.units;
      if (frame.type === FrameType.ACCOUNT) journal.account.readFrame(frame);
      else if (frame.type === FrameType.GOODBYE) journal.saidGoodbye = true;
      frames.push(frame);
    }
  }
  if (range.ends) journal.ended = true;
  return {
    places: journal.reader.places,
    pieces: pack(frames),
    sequence: journal.lastSequence,
    endedAtMillis: range.ends ? (range.endedAtMillis ?? Date.now()) : undefined,
  };
}
