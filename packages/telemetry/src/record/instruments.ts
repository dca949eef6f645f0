/**
 * The synchronous instruments of `@opentelemetry/api`, each with `bind(attributes)`: the attribute set is looked up once
 * and the bound instrument only appends. (Specification, metrics API 1.57, Development: bound instruments.)
 *
 * In: values with attributes. Out: rows of the recorder. A value that is no number, or that the instrument cannot take,
 * is counted as dropped `invalid_value`; nothing throws.
 */
import {
  ValueType,
  type Attributes,
  type Counter,
  type Gauge,
  type Histogram,
  type UpDownCounter,
} from '@opentelemetry/api';
import type { ConfiguredAttributes } from '../attributes/configured.ts';
import { encodeAttributes } from '../journal/attributes.ts';
import { attributeIndex, type AttributeIndex } from './attributes.ts';
import type { HistogramSeries, SumSeries } from './batch.ts';
import type { Recorder } from './recorder.ts';

/** A gauge for one attribute set. */
export interface BoundGauge {
  /** Appends one raw sample, with the time of the call. */
  record(value: number): void;
}

/** A counter or up-down counter for one attribute set. */
export interface BoundCounter {
  add(value: number): void;
}

/** A histogram for one attribute set. */
export interface BoundHistogram {
  record(value: number): void;
}

/** A gauge whose every sample is kept, with its own time. */
export interface BindableGauge extends Gauge {
  bind(attributes: Attributes): BoundGauge;
}
export interface BindableCounter extends Counter {
  bind(attributes: Attributes): BoundCounter;
}
export interface BindableUpDownCounter extends UpDownCounter {
  bind(attributes: Attributes): BoundCounter;
}
export interface BindableHistogram extends Histogram {
  bind(attributes: Attributes): BoundHistogram;
}

/** An instrument as its recorder knows it. */
export interface Registered {
  readonly recorder: Recorder;
  readonly id: number;
  readonly valueType: ValueType;
  readonly configured: ConfiguredAttributes | undefined;
}

export function sumSeries({ recorder, id }: Registered, attributes: Attributes): SumSeries {
  return { id: recorder.defineSeries(id, encodeAttributes(attributes)), row: 0, epoch: 0 };
}

/** What `bind` gives for attributes that cannot be read: every call is counted as dropped. */
class Unreadable implements BoundGauge, BoundCounter, BoundHistogram {
  readonly #recorder: Recorder;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  record(): void {
    this.#recorder.drop('invalid_attributes', 1);
  }

  add(): void {
    this.#recorder.drop('invalid_attributes', 1);
  }
}

class SampleSeries implements BoundGauge {
  readonly #recorder: Recorder;
  readonly #id: number;
  readonly #isInt: boolean;

  constructor({ recorder, id, valueType }: Registered, attributes: Attributes) {
    this.#recorder = recorder;
    this.#id = recorder.defineSeries(id, encodeAttributes(attributes));
    this.#isInt = valueType === ValueType.INT;
  }

  record(value: number): void {
    if (typeof value !== 'number') return this.#recorder.drop('invalid_value', 1);
    this.#recorder.sample(this.#id, this.#isInt ? Math.trunc(value) : value);
  }
}

export class RawGauge implements BindableGauge {
  readonly #recorder: Recorder;
  readonly #series: AttributeIndex<SampleSeries>;

  constructor(registered: Registered) {
    this.#recorder = registered.recorder;
    this.#series = attributeIndex(
      (attributes) => new SampleSeries(registered, attributes),
      registered.recorder.cardinalityLimit,
      registered.configured,
    );
  }

  record(value: number, attributes?: Attributes): void {
    const series = this.#series.get(attributes);
    if (series === undefined) this.#recorder.drop('invalid_attributes', 1);
    else series.record(value);
  }

  bind(attributes: Attributes): BoundGauge {
    const each = (copy: Attributes): BoundGauge => ({ record: (value) => this.record(value, copy) });
    return this.#series.bind(attributes, each) ?? new Unreadable(this.#recorder);
  }
}

class SummedSeries implements BoundCounter {
  readonly #recorder: Recorder;
  readonly #series: SumSeries;
  readonly #isInt: boolean;
  readonly #minimum: number;

  constructor(registered: Registered, attributes: Attributes, minimum: number) {
    this.#recorder = registered.recorder;
    this.#series = sumSeries(registered, attributes);
    this.#isInt = registered.valueType === ValueType.INT;
    this.#minimum = minimum;
  }

  add(value: number): void {
    // A sum that has once taken NaN or an infinity never recovers.
    if (!Number.isFinite(value) || value < this.#minimum) return this.#recorder.drop('invalid_value', 1);
    this.#recorder.add(this.#series, this.#isInt ? Math.trunc(value) : value);
  }
}

/** A counter, or an up-down counter where `minimum` is `-Infinity`. */
export class SummingCounter implements BindableCounter, BindableUpDownCounter {
  readonly #recorder: Recorder;
  readonly #series: AttributeIndex<SummedSeries>;

  constructor(registered: Registered, minimum: number) {
    this.#recorder = registered.recorder;
    this.#series = attributeIndex(
      (attributes) => new SummedSeries(registered, attributes, minimum),
      registered.recorder.cardinalityLimit,
      registered.configured,
    );
  }

  add(value: number, attributes?: Attributes): void {
    const series = this.#series.get(attributes);
    if (series === undefined) this.#recorder.drop('invalid_attributes', 1);
    else series.add(value);
  }

  bind(attributes: Attributes): BoundCounter {
    const each = (copy: Attributes): BoundCounter => ({ add: (value) => this.add(value, copy) });
    return this.#series.bind(attributes, each) ?? new Unreadable(this.#recorder);
  }
}

class BucketSeries implements BoundHistogram {
  readonly #recorder: Recorder;
  readonly #series: HistogramSeries;
  readonly #isInt: boolean;

  constructor(
    { recorder, id, valueType }: Registered,
    attributes: Attributes,
    boundaries: readonly number[],
  ) {
    this.#recorder = recorder;
    const series = recorder.defineSeries(id, encodeAttributes(attributes));
    this.#series = { id: series, boundaries: Float64Array.from(boundaries), row: 0, epoch: 0 };
    this.#isInt = valueType === ValueType.INT;
  }

  record(value: number): void {
    // Negative values are outside of what the specification lets a histogram take: its sum would not be monotonic.
    if (!Number.isFinite(value) || value < 0) return this.#recorder.drop('invalid_value', 1);
    this.#recorder.histogram(this.#series, this.#isInt ? Math.trunc(value) : value);
  }
}

/** Default bounds of OpenTelemetry's explicit bucket histogram aggregation. */
export const DEFAULT_BOUNDARIES: readonly number[] = [
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000,
];

export class BucketHistogram implements BindableHistogram {
  readonly #recorder: Recorder;
  readonly #series: AttributeIndex<BucketSeries>;

  constructor(registered: Registered, boundaries: readonly number[]) {
    this.#recorder = registered.recorder;
    this.#series = attributeIndex(
      (attributes) => new BucketSeries(registered, attributes, boundaries),
      registered.recorder.cardinalityLimit,
      registered.configured,
    );
  }

  record(value: number, attributes?: Attributes): void {
    const series = this.#series.get(attributes);
    if (series === undefined) this.#recorder.drop('invalid_attributes', 1);
    else series.record(value);
  }

  bind(attributes: Attributes): BoundHistogram {
    const each = (copy: Attributes): BoundHistogram => ({ record: (value) => this.record(value, copy) });
    return this.#series.bind(attributes, each) ?? new Unreadable(this.#recorder);
  }
}
