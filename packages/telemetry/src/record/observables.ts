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
import { OverflowTotal, type OverflowRun } from './overflow-total.ts';
import type { SumSeries } from './batch.ts';

type Observer = (value: number, attributes?: Attributes) => void;

/** One run of one callback, for one instrument. */
interface Observation {
  readonly observe: Observer;
  /** `isWhole`: the callback came to its end. */
  end(isWhole: boolean): void;
}

type Begin = (callback: object) => Observation;

export class ObservableInstrument implements Observable {
  readonly begin: Begin;
  readonly #callbacks: Set<ObservableCallback>;

  constructor(begin: Begin, callbacks: Set<ObservableCallback>) {
    this.begin = begin;
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
export function gaugeObserver(registered: Registered): Begin {
  const { recorder, id, valueType, configured } = registered;
  const define = (attributes: Attributes): number => recorder.defineSeries(id, encodeAttributes(attributes));
  const index = attributeIndex(define, recorder.cardinalityLimit, configured);
  const observe: Observer = (value, attributes) => {
    if (typeof value !== 'number') return recorder.drop('invalid_value', 1);
    const series = index.get(attributes);
    if (series === undefined) return recorder.drop('invalid_attributes', 1);
    recorder.sample(series, valueType === ValueType.INT ? Math.trunc(value) : value);
  };
  const observation = { observe, end: () => undefined };
  return () => observation;
}

/** Observations of a counter are totals, not increments. */
export function totalObserver(registered: Registered): Begin {
  const { recorder, valueType, configured } = registered;
  const create = (attributes: Attributes): SumSeries => sumSeries(registered, attributes);
  const index = attributeIndex(create, recorder.cardinalityLimit, configured);
  let overflow: OverflowTotal | undefined;
  return (callback) => {
    let run: OverflowRun | undefined;
    return {
      observe: (given, attributes) => {
        if (!Number.isFinite(given)) return recorder.drop('invalid_value', 1);
        const series = index.get(attributes);
        if (series === undefined) return recorder.drop('invalid_attributes', 1);
        const value = valueType === ValueType.INT ? Math.trunc(given) : given;
        if (!index.isOverflow(series)) return recorder.observe(series, value);
        overflow ??= new OverflowTotal(recorder, series);
        run ??= overflow.begin(callback);
        run.observe(value, attributes ?? {});
      },
      end: (isWhole) => run?.end(isWhole),
    };
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

  add(begin: Begin): ObservableInstrument {
    const callbacks = new Set<ObservableCallback>();
    const instrument = new ObservableInstrument(begin, callbacks);
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
        const observation = instrument.begin(callback);
        const call = (): void | Promise<void> => callback({ observe: observation.observe });
        running.push(this.#run(callback, call, () => [observation]));
      }
    }
    for (const { callback, observables } of this.#batches) {
      const observations = new Map<Observable, Observation>();
      const result: BatchObservableResult = {
        observe: (observable, value, attributes) => {
          if (!observables.has(observable)) return;
          let observation = observations.get(observable);
          if (observation === undefined) {
            observation = (observable as ObservableInstrument).begin(callback);
            observations.set(observable, observation);
          }
          observation.observe(value, attributes);
        },
      };
      running.push(
        this.#run(
          callback,
          () => callback(result),
          () => observations.values(),
        ),
      );
    }
    await Promise.all(running);
  }

  async #run(
    callback: object,
    call: () => void | Promise<void>,
    observations: () => Iterable<Observation>,
  ): Promise<void> {
    let isWhole = false;
    try {
      const running = call();
      // What a synchronous one observed has to be recorded before this returns.
      if (running !== undefined) await running;
      isWhole = true;
    } catch (error) {
      if (this.#failed.has(callback)) return;
      this.#failed.add(callback);
      diag.error('msc-telemetry: an observable callback failed; it is tried again at each collection', error);
    } finally {
      for (const observation of observations()) observation.end(isWhole);
    }
  }
}
