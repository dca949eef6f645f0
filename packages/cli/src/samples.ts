/** Raw values of one series, eight bytes each, from which percentiles are exact. */
export class Samples {
  #values = new Float64Array(16);
  #length = 0;

  get length(): number {
    return this.#length;
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

/** Distribution of all samples of several series together; percentiles by the nearest rank, so each is a sample. */
export function distributionOf(series: Iterable<Samples>): Distribution {
  const parts = [...series];
  const all = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part.values, at);
    at += part.length;
  }
  all.sort();
  const ranked = (share: number): number => all.at(Math.max(0, Math.ceil(share * all.length) - 1)) ?? NaN;
  return {
    p50: ranked(0.5),
    p90: ranked(0.9),
    p99: ranked(0.99),
    max: all.at(-1) ?? NaN,
    sum: all.reduce((sum, value) => sum + value, 0),
  };
}
