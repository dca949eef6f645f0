/**
 * Cardinality limit: an instrument has at most so many series, of which the last one is shared by all attribute sets that
 * come when the others are taken. It has the single attribute `otel.metric.overflow`. (OpenTelemetry metrics SDK
 * specification, "Cardinality limits" and "Overflow attribute".)
 *
 * Invariant: who has a series of its own keeps it, and nothing is dropped: totals over all series stay exact.
 * Memory is bounded by the limit, whatever keys come.
 */
import { hash } from 'node:crypto';
import type { Attributes } from '@opentelemetry/api';

/** Series per instrument, the one for the overflow included. */
export const DEFAULT_CARDINALITY_LIMIT = 2000;

export const OVERFLOW_ATTRIBUTES: Attributes = Object.freeze({ 'otel.metric.overflow': true });

/** Longer keys are kept as their hash, so that many of them take no more memory than many short ones. */
const MAX_KEY_LENGTH = 256;

export class LimitedSeries<Series> {
  readonly #limit: number;
  readonly #createOverflow: () => Series;
  readonly #byKey = new Map<string, Series>();
  #overflow: Series | undefined;

  constructor(limit: number, createOverflow: () => Series) {
    this.#limit = limit;
    this.#createOverflow = createOverflow;
  }

  /** The series of a key: what `create` gives, the first time; the one for the overflow where there is no room. */
  get(key: string, create: () => Series): Series {
    const kept = key.length > MAX_KEY_LENGTH ? hash('sha256', key) : key;
    let series = this.#byKey.get(kept);
    if (series !== undefined) return series;
    if (this.#byKey.size >= this.#limit - 1) return (this.#overflow ??= this.#createOverflow());
    series = create();
    this.#byKey.set(kept, series);
    return series;
  }
}
