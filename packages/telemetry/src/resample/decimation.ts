/**
 * Decimation: of the samples of a series, the first of every `factor` leaves as it is; the others are merged.
 *
 * In: one call per sample, in the order in which the journals are read. Out: its place among all of the series.
 * Invariant: the count outlives the server, so that a restart, or where requests end, changes nothing about which leave.
 * Samples that belong together (latency, size and rate of an operation) share one place.
 */
export class Decimation {
  #count: number;

  constructor(count = 0) {
    this.#count = count;
  }

  /** Place of the next sample, counted from 0. */
  next(): number {
    return this.#count++;
  }

  /** Samples so far: JSON for the checkpoint. */
  get state(): number {
    return this.#count;
  }
}
