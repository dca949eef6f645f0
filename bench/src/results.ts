/**
 * What a bench measures, and how it is written down.
 *
 * In: the figures of all runs of one quantity. Out: its median and spread, the ratio to a baseline that was measured in the
 * same run, and whether the product's promise is met. The report and the JSON know nothing else.
 */
import os from 'node:os';

/** What the product promises, about the median or about its ratio to the baseline's. */
export interface Goal {
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Default `median`. */
  readonly of?: 'median' | 'ratio';
}

/** What a result is compared with. */
export interface Baseline {
  readonly name: string;
  readonly runs: readonly number[];
}

export interface Measurement extends Goal {
  readonly name: string;
  readonly unit: string;
  readonly runs: readonly number[];
  readonly baseline?: Baseline;
  /** What a reader must know of how it was taken, where the bench's description does not say it. */
  readonly note?: string;
}

/** One row of the JSON. */
export interface Result extends Goal {
  readonly name: string;
  readonly median: number;
  readonly unit: string;
  readonly runs: number;
  readonly low: number;
  readonly high: number;
  readonly baseline?: string;
  readonly baselineMedian?: number;
  readonly ratio?: number;
  readonly note?: string;
}

export interface Report {
  readonly machine: string;
  /** Of the product that was measured. */
  readonly version: string;
  readonly seconds: number;
  readonly results: readonly Result[];
}

/** The middle one; the mean of the two in the middle where their number is even. */
export function median(runs: readonly number[]): number {
  const sorted = runs.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The smallest value that `share` of all are not above (nearest rank). */
export function percentile(runs: readonly number[], share: number): number {
  const sorted = runs.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export function resultOf({ runs, baseline, ...rest }: Measurement): Result {
  const middle = median(runs);
  const low = runs.reduce((least, run) => Math.min(least, run));
  const high = runs.reduce((most, run) => Math.max(most, run));
  const result = { ...rest, median: middle, runs: runs.length, low, high };
  if (baseline === undefined) return result;
  const baselineMedian = median(baseline.runs);
  return { ...result, baseline: baseline.name, baselineMedian, ratio: middle / baselineMedian };
}

/** `undefined` where nothing was promised. */
export function isMet({ atMost, atLeast, of, ratio, median: middle }: Result): boolean | undefined {
  const value = of === 'ratio' ? (ratio ?? NaN) : middle;
  if (atMost !== undefined) return value <= atMost;
  return atLeast === undefined ? undefined : value >= atLeast;
}

export function machine(): string {
  const [cpu] = os.cpus();
  const memory = `${Math.round(os.totalmem() / 2 ** 30)} GiB`;
  return `${os.cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${memory}, ${process.platform} ${os.release()}, Node ${process.version}`;
}
