import type { Attributes, AttributeSets } from './attributes.ts';
import type { Metric, Series } from './points.ts';
import type { WireReader } from './wire.ts';

/** The value of a key, made when it is asked for first. */
export function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** A metric that requests have brought before, with the numbers of its series. */
export class KnownMetric {
  readonly metric: Metric;
  readonly #allSeries: Series[];
  readonly #attributeSets: AttributeSets;
  /** By the attributes' bytes as they came, which spares decoding what is known. */
  readonly #byBytes: Map<string, number> = new Map();
  readonly #byAttributes: Map<Attributes, number> = new Map();
  readonly #boundaries: Map<string, readonly number[]> = new Map();

  constructor(metric: Metric, allSeries: Series[], attributeSets: AttributeSets) {
    this.metric = Object.freeze(metric);
    this.#allSeries = allSeries;
    this.#attributeSets = attributeSets;
  }

  /** Number of the series of the point from `start` to `end`; `bytes` are its attribute fields, of this `tag`. */
  series(bytes: string, reader: WireReader, start: number, end: number, tag: number): number {
    let number = this.#byBytes.get(bytes);
    if (number === undefined) {
      reader.position = start;
      const attributes = this.#attributeSets.read(reader, end, tag);
      const make = (): number => this.#allSeries.push(Object.freeze({ metric: this.metric, attributes })) - 1;
      number = getOrMake(this.#byAttributes, attributes, make);
      this.#byBytes.set(bytes, number);
    }
    return number;
  }

  /** One array for all equal boundaries. */
  boundaries(boundaries: readonly number[]): readonly number[] {
    return getOrMake(this.#boundaries, boundaries.join(), () => Object.freeze(boundaries));
  }
}
