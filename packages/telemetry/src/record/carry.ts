/**
 * Totals that found no room in the journal, until there is room: sums survive a full budget, raw samples do not.
 * Bounded by the number of series of its recorder.
 */
import { BASE_BYTES, histogramRowBytes, sumsBytes } from '../journal/columns.ts';
import { FrameType, type FramePart } from '../journal/frame.ts';
import type { Batch, SumSeries } from './batch.ts';
import { histogramRows } from './rows.ts';

/** Rows of one frame: no payload may grow beyond its bound. */
const MAX_SUMS = 65_536;
const MAX_HISTOGRAMS = 256;

interface Sum {
  value: number;
  calls: number;
}

/** Series that an operation's totals go to when its raw record had to be dropped. */
export interface OperationSeries {
  readonly id: number;
  readonly responses: () => SumSeries;
  readonly bytes: () => SumSeries;
}

export class Carry {
  readonly #sums = new Map<number, Sum>();
  readonly #histograms = new Map<number, Float64Array>();

  get isEmpty(): boolean {
    return this.#sums.size === 0 && this.#histograms.size === 0;
  }

  /** The totals of a batch; those of its raw operations as sums without calls. Of `observed` series the newest value counts. */
  take(batch: Batch, observed: ReadonlySet<number>, operations: ReadonlyMap<number, OperationSeries>): void {
    for (let row = 0; row < batch.sums; row++) {
      const series = batch.sumSeries[row];
      if (observed.has(series)) this.drop(series);
      this.add(series, batch.sumValues[row], batch.sumCalls[row]);
    }
    for (const { series, numbers } of histogramRows(batch)) this.merge(series, numbers);
    for (let row = 0; row < batch.operations; row++) {
      const series = operations.get(batch.operationSeries[row]);
      if (series === undefined) continue;
      this.add(series.responses().id, 1, 0);
      const bytes = batch.operationBytes[row];
      if (!Number.isNaN(bytes)) this.add(series.bytes().id, bytes, 0);
    }
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

  /** All of it, at one instant: `[seconds, nanos, monotonic seconds, monotonic nanos]`. */
  parts(base: readonly number[]): FramePart[] {
    return [
      ...chunks([...this.#sums], MAX_SUMS).map((rows) => sumsPart(base, rows)),
      ...chunks([...this.#histograms], MAX_HISTOGRAMS).map((rows) => histogramsPart(base, rows)),
    ];
  }

  clear(): void {
    this.#sums.clear();
    this.#histograms.clear();
  }
}

function chunks<T>(rows: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, chunk) =>
    rows.slice(chunk * size, (chunk + 1) * size),
  );
}

function sumsPart(
  base: readonly number[],
  sums: readonly (readonly [series: number, sum: Sum])[],
): FramePart {
  const rows = sums.length;
  const payload = new Uint8Array(sumsBytes(rows));
  new Uint32Array(payload.buffer, 0, 4).set(base);
  const values = new Float64Array(payload.buffer, BASE_BYTES, rows);
  const series = new Uint32Array(payload.buffer, BASE_BYTES + 8 * rows, rows);
  const calls = new Uint32Array(payload.buffer, BASE_BYTES + 12 * rows, rows);
  let units = 0;
  for (const [row, [id, sum]] of sums.entries()) {
    values[row] = sum.value;
    series[row] = id;
    calls[row] = sum.calls;
    units += sum.calls;
  }
  return { type: FrameType.SUMS, rows, units, payload };
}

function histogramsPart(
  base: readonly number[],
  histograms: readonly (readonly [series: number, numbers: Float64Array])[],
): FramePart {
  const sizes = histograms.map(([, numbers]) => histogramRowBytes(numbers.length - 4));
  const payload = new Uint8Array(sizes.reduce((sum, bytes) => sum + bytes, BASE_BYTES));
  new Uint32Array(payload.buffer, 0, 4).set(base);
  let at = BASE_BYTES;
  let units = 0;
  for (const [row, [series, numbers]] of histograms.entries()) {
    new Uint32Array(payload.buffer, at, 2).set([series, numbers.length - 4]);
    new Float64Array(payload.buffer, at + 8, numbers.length).set(numbers);
    at += sizes[row];
    units += numbers[0];
  }
  return { type: FrameType.HISTOGRAMS, rows: histograms.length, units, payload };
}
