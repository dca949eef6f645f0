/**
 * Observable instruments: callbacks that run where they were registered, at every collect interval and at exit.
 *
 * In: callbacks. Out: raw samples (gauges) and observed totals (counters) of the recorder.
 * Invariant: a callback that throws or rejects disturbs neither the program nor the other callbacks; it is logged once.
 */
import {
  diag,
  ValueType,
  type Attributes,
  type BatchObservableCallback,
  type BatchObservableResult,
  type Observable,
  type ObservableCallback,
} from '@opentelemetry/api';
import { encodeAttributes } from '../journal/attributes.ts';
import { attributeIndex } from './attributes.ts';
import { sumSeries, type Registered } from './instruments.ts';

type Observer = (value: number, attributes?: Attributes) => void;

export class ObservableInstrument implements Observable {
  readonly observe: Observer;
  readonly #callbacks: Set<ObservableCallback>;

  constructor(observe: Observer, callbacks: Set<ObservableCallback>) {
    this.observe = observe;
    this.#callbacks = callbacks;
  }

  addCallback(callback: ObservableCallback): void {
    this.#callbacks.add(callback);
  }

  removeCallback(callback: ObservableCallback): void {
    this.#callbacks.delete(callback);
  }
}

/** Observations of a gauge are raw samples. */
export function gaugeObserver(registered: Registered): Observer {
  const { recorder, id, valueType, configured } = registered;
  const define = (attributes: Attributes): number => recorder.defineSeries(id, encodeAttributes(attributes));
  const index = attributeIndex(define, configured);
  return (value, attributes) => {
    if (typeof value !== 'number') return recorder.drop('invalid_value', 1);
    const series = index.get(attributes);
    if (series === undefined) return recorder.drop('invalid_attributes', 1);
    recorder.sample(series, valueType === ValueType.INT ? Math.trunc(value) : value);
  };
}

/** Observations of a counter are totals, not increments. */
export function totalObserver(registered: Registered): Observer {
  const { recorder, valueType, configured } = registered;
  const index = attributeIndex((attributes) => sumSeries(registered, attributes), configured);
  return (value, attributes) => {
    if (!Number.isFinite(value)) return recorder.drop('invalid_value', 1);
    const series = index.get(attributes);
    if (series === undefined) return recorder.drop('invalid_attributes', 1);
    recorder.observe(series, valueType === ValueType.INT ? Math.trunc(value) : value);
  };
}

interface BatchCallback {
  readonly callback: BatchObservableCallback;
  readonly observables: ReadonlySet<Observable>;
}

/** All callbacks of one meter provider. */
export class ObservableCallbacks {
  readonly #single = new Map<ObservableInstrument, Set<ObservableCallback>>();
  #batches: readonly BatchCallback[] = [];
  readonly #failed = new WeakSet<object>();
  readonly #onFirst: () => void;

  /** `onFirst` is called when there is something to collect for the first time. */
  constructor(onFirst: () => void) {
    this.#onFirst = onFirst;
  }

  add(observe: Observer): ObservableInstrument {
    const callbacks = new Set<ObservableCallback>();
    const instrument = new ObservableInstrument(observe, callbacks);
    if (this.#single.size === 0) this.#onFirst();
    this.#single.set(instrument, callbacks);
    return instrument;
  }

  /** The same callback with other observables is another one. */
  addBatch(callback: BatchObservableCallback, observables: readonly Observable[]): void {
    this.removeBatch(callback, observables);
    this.#batches = [...this.#batches, { callback, observables: new Set(observables) }];
  }

  removeBatch(callback: BatchObservableCallback, observables: readonly Observable[]): void {
    const given = new Set(observables);
    this.#batches = this.#batches.filter(
      (batch) => batch.callback !== callback || batch.observables.symmetricDifference(given).size > 0,
    );
  }

  /** Runs every callback once. What asynchronous ones observe later is recorded when they do. */
  async collect(): Promise<void> {
    const running: unknown[] = [];
    for (const [instrument, callbacks] of this.#single) {
      for (const callback of callbacks) {
        running.push(this.#run(callback, () => callback({ observe: instrument.observe })));
      }
    }
    for (const { callback, observables } of this.#batches) {
      const result: BatchObservableResult = {
        observe: (observable, value, attributes) => {
          if (observables.has(observable)) (observable as ObservableInstrument).observe(value, attributes);
        },
      };
      running.push(this.#run(callback, () => callback(result)));
    }
    await Promise.all(running);
  }

  async #run(callback: object, call: () => void | Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (this.#failed.has(callback)) return;
      this.#failed.add(callback);
      diag.error('msc-telemetry: an observable callback failed; it is tried again at each collection', error);
    }
  }
}
