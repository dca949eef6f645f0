/**
 * Chunk memory: where chunks are read into, again and again.
 *
 * In: how many bytes a read takes. Out: memory for it, 8-byte aligned, with whatever it held before.
 * Invariant: nothing that was taken is given out again before `reset`. After `reset` nothing that refers to it may be used.
 * Fresh memory for every read costs its page faults, and makes the garbage collector look at all else for each few megabytes.
 */
import { padded } from './frame.ts';

const BLOCK_BYTES = 1024 * 1024;

export class ChunkMemory {
  #blocks: ArrayBuffer[] = [];
  /** Blocks of which something was taken. */
  #used = 0;
  /** Of the last of them. */
  #usedBytes = BLOCK_BYTES;

  take(length: number): Uint8Array {
    if (length > BLOCK_BYTES) return new Uint8Array(length);
    if (this.#usedBytes + length > BLOCK_BYTES) {
      if (this.#used === this.#blocks.length) this.#blocks.push(new ArrayBuffer(BLOCK_BYTES));
      this.#used++;
      this.#usedBytes = 0;
    }
    const bytes = new Uint8Array(this.#blocks[this.#used - 1], this.#usedBytes, length);
    this.#usedBytes += padded(length);
    return bytes;
  }

  /** Takes all of it back. Blocks that were not needed this time are not kept. */
  reset(): void {
    this.#blocks.length = this.#used;
    this.#used = 0;
    this.#usedBytes = BLOCK_BYTES;
  }
}
