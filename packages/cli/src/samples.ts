/** Values that are known by their number only, in ascending order: buckets of a histogram, by the middle of each. */
export interface Counted {
  readonly buckets: readonly (readonly [value: number, count: number])[];
  readonly sum: number;
  readonly max: number;
}

/**
 * Raw values of one series, eight bytes each, from which percentiles are exact; or distributions, from which they are as
 * exact as their buckets.
 */
export class Samples {
  readonly #counted = new Map<string, Counted>();

  #values = new Float64Array(16);
  #length = 0;

  /** How many values there are. */
  get length(): number {
    return this.counted.reduce((length, { buckets }) => length + countOf(buckets), this.#length);
  }

  get counted(): Counted[] {
    return [...this.#counted.values()];
  }

  /** A distribution; it takes the place of the last one with this key. */
  count(key: string, counted: Counted): void {
    this.#counted.set(key, counted);
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** A view, valid until the next `push`. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }
}

/** NaN where there are no samples. */
export interface Distribution {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly sum: number;
}

/**
 * Distribution of all samples of several series together; percentiles by the nearest rank, so each is a sample, or the
 * middle of a bucket but never beyond the maximum.
 */
export function distributionOf(series: Iterable<Samples>): Distribution {
  const parts = [...series];
  const all = new Float64Array(parts.reduce((length, part) => length + part.values.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part.values, at);
    at += part.values.length;
  }
  all.sort();
  const counted = parts.flatMap((part) => part.counted);
  const max = Math.max(all.at(-1) ?? -Infinity, ...counted.map((each) => each.max));
  const ranked = counted.length === 0 ? ranking(all) : weighedRanking(all, counted);
  return {
    p50: Math.min(max, ranked(0.5)),
    p90: Math.min(max, ranked(0.9)),
    p99: Math.min(max, ranked(0.99)),
    max: max === -Infinity ? NaN : max,
    sum: counted.reduce(
      (sum, each) => sum + each.sum,
      all.reduce((sum, value) => sum + value, 0),
    ),
  };
}

type Ranking = (share: number) => number;

function ranking(ascending: Float64Array): Ranking {
  return (share) => ascending.at(Math.max(0, Math.ceil(share * ascending.length) - 1)) ?? NaN;
}

function weighedRanking(values: Float64Array, counted: readonly Counted[]): Ranking {
  const single = [...values].map((value) => [value, 1] as const);
  const weighed = [...single, ...counted.flatMap(({ buckets }) => buckets)].toSorted(([a], [b]) => a - b);
  const total = countOf(weighed);
  return (share) => {
    let rank = Math.max(1, Math.ceil(share * total));
    return weighed.find(([, count]) => (rank -= count) <= 0)?.[0] ?? NaN;
  };
}

function countOf(buckets: Counted['buckets']): number {
  return buckets.reduce((sum, [, count]) => sum + count, 0);
}
