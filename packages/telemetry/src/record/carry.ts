/**
 * Totals that found no room in the journal, until there is room: sums survive a full budget, raw samples do not.
 * Bounded by the number of series of its recorder.
 */
import { BASE_BYTES, histogramRowBytes, sumsBytes } from '../journal/columns.ts';
import { encodeFrame, FrameType } from '../journal/frame.ts';

interface Sum {
  value: number;
  calls: number;
}

export class Carry {
  readonly #sums = new Map<number, Sum>();
  readonly #histograms = new Map<number, Float64Array>();

  get isEmpty(): boolean {
    return this.#sums.size === 0 && this.#histograms.size === 0;
  }

  add(series: number, value: number, calls: number): void {
    const sum = this.#sums.get(series);
    if (sum === undefined) {
      this.#sums.set(series, { value, calls });
    } else {
      sum.value += value;
      sum.calls += calls;
    }
  }

  /** Forgets the value of an observed total, which a newer one replaces; its calls stay counted. */
  drop(series: number): void {
    const sum = this.#sums.get(series);
    if (sum !== undefined) sum.value = 0;
  }

  /** Merges a histogram row: `[count, sum, min, max, buckets…]`. */
  merge(series: number, numbers: Float64Array): void {
    const carried = this.#histograms.get(series);
    if (carried === undefined) {
      this.#histograms.set(series, new Float64Array(numbers));
      return;
    }
    for (let index = 0; index < numbers.length; index++) {
      if (index === 2) carried[2] = Math.min(carried[2], numbers[2]);
      else if (index === 3) carried[3] = Math.max(carried[3], numbers[3]);
      else carried[index] += numbers[index];
    }
  }

  /** Frames that hold all of it, at one instant: `[seconds, nanos, monotonic seconds, monotonic nanos]`. */
  frames(base: readonly number[], sequence: number): Uint8Array[] {
    const frames: Uint8Array[] = [];
    if (this.#sums.size > 0) {
      const rows = this.#sums.size;
      const payload = new Uint8Array(sumsBytes(rows));
      new Uint32Array(payload.buffer, 0, 4).set(base);
      new Float64Array(payload.buffer, BASE_BYTES, rows).set(
        [...this.#sums.values()].map(({ value }) => value),
      );
      new Uint32Array(payload.buffer, BASE_BYTES + 8 * rows, rows).set([...this.#sums.keys()]);
      const calls = [...this.#sums.values()].map((sum) => sum.calls);
      new Uint32Array(payload.buffer, BASE_BYTES + 12 * rows, rows).set(calls);
      const units = calls.reduce((sum, count) => sum + count, 0);
      frames.push(encodeFrame({ type: FrameType.SUMS, sequence, rows, units }, payload));
    }
    if (this.#histograms.size > 0) {
      const rows = [...this.#histograms];
      const bytes = rows.reduce(
        (sum, [, numbers]) => sum + histogramRowBytes(numbers.length - 4),
        BASE_BYTES,
      );
      const payload = new Uint8Array(bytes);
      new Uint32Array(payload.buffer, 0, 4).set(base);
      let at = BASE_BYTES;
      let units = 0;
      for (const [series, numbers] of rows) {
        new Uint32Array(payload.buffer, at, 2).set([series, numbers.length - 4]);
        new Float64Array(payload.buffer, at + 8, numbers.length).set(numbers);
        at += histogramRowBytes(numbers.length - 4);
        units += numbers[0];
      }
      const header = {
        type: FrameType.HISTOGRAMS,
        sequence: sequence + frames.length,
        rows: rows.length,
        units,
      };
      frames.push(encodeFrame(header, payload));
    }
    return frames;
  }

  clear(): void {
    this.#sums.clear();
    this.#histograms.clear();
  }
}
