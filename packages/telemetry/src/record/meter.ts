/**
 * Meter and MeterProvider of `@opentelemetry/api`, over one recorder.
 *
 * In: names and options. Out: instruments, the same object for the same name, kind and unit.
 * Failure behaviour: a bad name is reported by `diag` once and the instrument works all the same, as the API asks:
 * instrumentation never breaks a program.
 */
import {
  diag,
  ValueType,
  type BatchObservableCallback,
  type Meter,
  type MeterOptions,
  type MeterProvider,
  type MetricOptions,
  type Observable,
} from '@opentelemetry/api';
import type { ConfiguredAttributes } from '../attributes/configured.ts';
import { show } from '../errors.ts';
import type { InstrumentKind } from '../journal/definitions.ts';
import { MAX_BUCKETS } from './block.ts';
import {
  BucketHistogram,
  DEFAULT_BOUNDARIES,
  RawGauge,
  SummingCounter,
  type BindableCounter,
  type BindableGauge,
  type BindableHistogram,
  type BindableUpDownCounter,
  type Registered,
} from './instruments.ts';
import {
  gaugeObserver,
  ObservableCallbacks,
  totalObserver,
  type ObservableInstrument,
} from './observables.ts';
import type { Recorder } from './recorder.ts';

/** Instrument names: a letter, then up to 254 of letters, digits, `_`, `.`, `-`, `/` (metrics API, instrument name syntax). */
const NAME = /^[a-z][a-z0-9_.\-/]{0,254}$/i;

export interface Scope {
  readonly name: string;
  readonly version?: string;
  readonly schemaUrl?: string;
}

export class RecordingMeter implements Meter {
  readonly #recorder: Recorder;
  readonly #scope: Scope;
  readonly #callbacks: ObservableCallbacks;
  readonly #configured: ConfiguredAttributes | undefined;
  readonly #instruments = new Map<string, unknown>();

  constructor(
    recorder: Recorder,
    scope: Scope,
    callbacks: ObservableCallbacks,
    configured: ConfiguredAttributes | undefined,
  ) {
    this.#recorder = recorder;
    this.#scope = scope;
    this.#callbacks = callbacks;
    this.#configured = configured;
  }

  createGauge(name: string, options?: MetricOptions): BindableGauge {
    return this.#instrument('gauge', name, options, (registered) => new RawGauge(registered));
  }

  createCounter(name: string, options?: MetricOptions): BindableCounter {
    return this.#instrument('counter', name, options, (registered) => new SummingCounter(registered, 0));
  }

  createUpDownCounter(name: string, options?: MetricOptions): BindableUpDownCounter {
    return this.#instrument(
      'up_down_counter',
      name,
      options,
      (registered) => new SummingCounter(registered, -Infinity),
    );
  }

  createHistogram(name: string, options?: MetricOptions): BindableHistogram {
    const boundaries = explicitBoundaries(name, options);
    return this.#instrument(
      'histogram',
      name,
      options,
      (registered) => new BucketHistogram(registered, boundaries),
      boundaries,
    );
  }

  createObservableGauge(name: string, options?: MetricOptions): ObservableInstrument {
    return this.#instrument('observable_gauge', name, options, (registered) =>
      this.#callbacks.add(gaugeObserver(registered)),
    );
  }

  createObservableCounter(name: string, options?: MetricOptions): ObservableInstrument {
    return this.#instrument('observable_counter', name, options, (registered) =>
      this.#callbacks.add(totalObserver(registered)),
    );
  }

  createObservableUpDownCounter(name: string, options?: MetricOptions): ObservableInstrument {
    return this.#instrument('observable_up_down_counter', name, options, (registered) =>
      this.#callbacks.add(totalObserver(registered)),
    );
  }

  addBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#callbacks.addBatch(callback, observables);
  }

  removeBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#callbacks.removeBatch(callback, observables);
  }

  #instrument<T>(
    kind: InstrumentKind,
    given: string,
    options: MetricOptions | undefined,
    create: (registered: Registered) => T,
    boundaries?: readonly number[],
  ): T {
    const name = asText(given);
    const unit = asText(options?.unit);
    // Names of instruments are case-insensitive.
    const key = JSON.stringify([kind, name.toLowerCase(), unit, options?.valueType ?? ValueType.DOUBLE]);
    const known = this.#instruments.get(key) as T | undefined;
    if (known !== undefined) return known;
    if (!NAME.test(name)) {
      diag.warn(`msc-telemetry: instrument name: got ${JSON.stringify(name)}, expected a match of ${NAME}`);
    }
    const valueType = options?.valueType ?? ValueType.DOUBLE;
    const id = this.#recorder.defineInstrument({
      kind,
      scope: this.#scope,
      name,
      unit,
      description: asText(options?.description),
      valueType: valueType === ValueType.INT ? 'int' : 'double',
      ...(boundaries === undefined ? {} : { boundaries }),
    });
    const instrument = create({ recorder: this.#recorder, id, valueType, configured: this.#configured });
    this.#instruments.set(key, instrument);
    return instrument;
  }
}

/** As JavaScript may pass it: what is no text must not make the instrument unreadable. */
function asText(given: unknown): string {
  if (given === undefined || given === null) return '';
  return typeof given === 'string' ? given : show(given);
}

function explicitBoundaries(name: string, options: MetricOptions | undefined): readonly number[] {
  const given: unknown = options?.advice?.explicitBucketBoundaries;
  if (given === undefined) return DEFAULT_BOUNDARIES;
  if (areBoundaries(given)) return [...given];
  diag.warn(
    `msc-telemetry: explicitBucketBoundaries of ${name}: got ${show(given)}, expected at most ${MAX_BUCKETS - 1} ascending finite numbers; the default bounds are used`,
  );
  return DEFAULT_BOUNDARIES;
}

function areBoundaries(given: unknown): given is number[] {
  return (
    Array.isArray(given) &&
    given.length < MAX_BUCKETS &&
    given.every((bound, index) => Number.isFinite(bound) && (index === 0 || given[index - 1] < bound))
  );
}

export class RecordingMeterProvider implements MeterProvider {
  readonly recorder: Recorder;
  readonly callbacks: ObservableCallbacks;
  readonly #configured: ConfiguredAttributes | undefined;
  readonly #meters = new Map<string, RecordingMeter>();

  /** `onObservable` is called when the first observable instrument is created. */
  constructor(recorder: Recorder, onObservable: () => void, configured?: ConfiguredAttributes) {
    this.recorder = recorder;
    this.#configured = configured;
    this.callbacks = new ObservableCallbacks(onObservable);
  }

  getMeter(name: string, version?: string, options?: MeterOptions): RecordingMeter {
    const schemaUrl = options?.schemaUrl;
    const key = JSON.stringify([name, version, schemaUrl]);
    let meter = this.#meters.get(key);
    if (meter === undefined) {
      const scope = {
        name,
        ...(version === undefined ? {} : { version }),
        ...(schemaUrl === undefined ? {} : { schemaUrl }),
      };
      meter = new RecordingMeter(this.recorder, scope, this.callbacks, this.#configured);
      this.#meters.set(key, meter);
    }
    return meter;
  }
}
