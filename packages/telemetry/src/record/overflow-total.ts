/**
 * Overflow total: what callbacks observe of attribute sets beyond the cardinality limit, added up to one observed total.
 *
 * In: observations of one run of a callback, each the total of its set. Out: one observation of the sum.
 * Invariant: the sum is that of what each callback observed in its last whole run, a set once; a run that is under way or
 * broke off changes nothing, so that the total never dips. A set that several callbacks observe counts several times.
 * Memory: one number per callback; the sets of a run for as long as it lasts.
 */
import type { Attributes } from '@opentelemetry/api';
import { canonicalAttributes } from './attributes.ts';
import type { SumSeries } from './batch.ts';
import type { Recorder } from './recorder.ts';

export interface OverflowRun {
  observe(value: number, attributes: Attributes): void;
  end(isWhole: boolean): void;
}

export class OverflowTotal {
  readonly #recorder: Recorder;
  readonly #series: SumSeries;
  readonly #byCallback = new WeakMap<object, number>();
  #total = 0;

  constructor(recorder: Recorder, series: SumSeries) {
    this.#recorder = recorder;
    this.#series = series;
  }

  begin(callback: object): OverflowRun {
    const totals = new Map<string, number>();
    let calls = 0;
    return {
      observe: (value, attributes) => {
        totals.set(canonicalAttributes(attributes), value);
        calls++;
      },
      end: (isWhole) => {
        if (isWhole) {
          const sum = totals.values().reduce((left, right) => left + right, 0);
          this.#total += sum - (this.#byCallback.get(callback) ?? 0);
          this.#byCallback.set(callback, sum);
        }
        this.#recorder.observe(this.#series, this.#total, calls);
      },
    };
  }
}
