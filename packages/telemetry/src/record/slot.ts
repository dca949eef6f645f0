/**
 * Slot: a block of shared memory, as the threads see it that do not record in it: whose batch it is, whose journal, and
 * whether it may take anything more.
 *
 * In: claims of threads. Out: owner, watcher and directory, for the thread that may have to rescue the batch.
 * Invariant: a slot has one owner at a time, and is free again only when nothing is in it.
 */
import {
  CLOSED,
  CONTROL_WORDS,
  HISTOGRAM_ROWS,
  OPERATIONS,
  OWNER,
  PATH_AT,
  PATH_BYTES,
  PATH_LENGTH,
  SAMPLES,
  SEQUENCE_AT,
  SUMS,
  WATCHER,
} from './block.ts';

export class Slot {
  readonly memory: SharedArrayBuffer;
  readonly offset: number;
  readonly #control: Int32Array;
  readonly #path: Uint8Array;

  constructor(memory: SharedArrayBuffer, offset: number) {
    this.memory = memory;
    this.offset = offset;
    this.#control = new Int32Array(memory, offset, CONTROL_WORDS);
    this.#path = new Uint8Array(memory, offset + PATH_AT, PATH_BYTES);
  }

  /** Takes a free slot for a journal, whose directory the main thread must know to rescue the batch. */
  claim(directory: string, thread: number, watcher: number): boolean {
    const text = new TextEncoder().encode(directory);
    if (text.length > PATH_BYTES || Atomics.compareExchange(this.#control, OWNER, 0, thread) !== 0)
      return false;
    this.#control[WATCHER] = watcher;
    this.#path.set(text);
    Atomics.store(this.#control, PATH_LENGTH, text.length);
    return true;
  }

  /** Gives the slot back, with nothing in it. */
  free(): void {
    for (const rows of [SAMPLES, SUMS, OPERATIONS, HISTOGRAM_ROWS]) Atomics.store(this.#control, rows, 0);
    Atomics.store(this.#control, PATH_LENGTH, 0);
    Atomics.store(this.#control, CLOSED, 0);
    new Float64Array(this.memory, this.offset + SEQUENCE_AT, 1)[0] = 0;
    // The main thread, which is no worker whose end anybody sees.
    this.#control[WATCHER] = 0;
    Atomics.store(this.#control, OWNER, 0);
  }

  /** From now on its recorder counts what it is given as dropped. */
  close(): void {
    Atomics.store(this.#control, CLOSED, 1);
  }

  /** The journal's directory, where a thread has claimed the slot. */
  get directory(): string | undefined {
    const length = Atomics.load(this.#control, PATH_LENGTH);
    return length === 0 ? undefined : new TextDecoder().decode(this.#path.slice(0, length));
  }

  /** The thread that sees the owner end. */
  get watcher(): number {
    return this.#control[WATCHER];
  }

  /** The thread that claimed the slot; 0 while it is free. */
  get owner(): number {
    return Atomics.load(this.#control, OWNER);
  }
}
