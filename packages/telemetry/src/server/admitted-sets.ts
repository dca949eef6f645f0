/**
 * Admitted sets: which attribute sets of one metric have a series of their own, where several writers together bring more
 * than its cardinality limit.
 *
 * In: canonical attributes. Out: whether there is room for them.
 * Invariant: at most `limit - 1` are admitted, and what was admitted once stays so, over restarts too: raw samples have no
 * other state in the checkpoint. That also bounds the series of raw samples, which the server keeps for a process's life.
 * They are kept as hashes of 66 bits, in memory as in the checkpoint, so that a restart changes no answer.
 */
import { hash } from 'node:crypto';

const HASH_LENGTH = 11;

export class AdmittedSets {
  readonly #hashes = new Set<string>();
  #text: string;

  constructor(text = '') {
    this.#text = text;
    for (let at = 0; at < text.length; at += HASH_LENGTH) this.#hashes.add(text.slice(at, at + HASH_LENGTH));
  }

  /** Whether a set has a series of its own; it gets one where there is room. */
  admits(attributes: string, limit: number): boolean {
    const key = hash('sha256', attributes, 'base64url').slice(0, HASH_LENGTH);
    if (this.#hashes.has(key)) return true;
    if (this.#hashes.size >= limit - 1) return false;
    this.#hashes.add(key);
    this.#text += key;
    return true;
  }

  /** All hashes, one behind the other. */
  get state(): string {
    return this.#text;
  }
}
