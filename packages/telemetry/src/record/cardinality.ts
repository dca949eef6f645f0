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
import type { EncodedAttributes } from '../journal/attributes.ts';

export const OVERFLOW_ATTRIBUTES: Attributes = Object.freeze({ 'otel.metric.overflow': true });

/** Whether a series is the one for the overflow, by its attributes alone. */
export function isOverflow(attributes: EncodedAttributes): boolean {
  return attributes.length === 1 && attributes[0][0] === 'otel.metric.overflow' && attributes[0][1] === true;
}

/** Longer keys are kept as their hash, so that many of them take no more memory than many short ones. */
const MAX_KEY_LENGTH = 1024;

export class LimitedSeries<Series> {
  readonly #limit: number;
  readonly #createOverflow: () => Series;
  readonly #byKey = new Map<string, Series>();
  #overflow: Series | undefined;

  constructor(limit: number, createOverflow: () => Series) {
    this.#limit = limit;
    this.#createOverflow = createOverflow;
  }

  get(key: string): Series | undefined {
    return this.#byKey.get(shortened(key));
  }

  /** For a key that is not known: what `create` gives, or the series for the overflow where there is no room. */
  add(key: string, create: () => Series): Series {
    if (this.#byKey.size >= this.#limit - 1) return this.overflow;
    const series = create();
    this.#byKey.set(shortened(key), series);
    return series;
  }

  get overflow(): Series {
    return (this.#overflow ??= this.#createOverflow());
  }

  isOverflow(series: Series): boolean {
    return series === this.#overflow;
  }
}

function shortened(key: string): string {
  return key.length > MAX_KEY_LENGTH ? hash('sha256', key) : key;
}
