/**
 * Attribute sets → series, by structure: key order does not matter, and a caller may mutate its object afterwards.
 * A frozen object with only primitive values is recognised by identity.
 */
import type { Attributes, AttributeValue } from '@opentelemetry/api';

const NONE: Attributes = Object.freeze({});

export class AttributeIndex<Series> {
  readonly #create: (attributes: Attributes) => Series;
  readonly #byKey = new Map<string, Series>();
  readonly #byIdentity = new WeakMap<Attributes, Series>();

  constructor(create: (attributes: Attributes) => Series) {
    this.#create = create;
  }

  get(attributes: Attributes = NONE): Series {
    const known = this.#byIdentity.get(attributes);
    if (known !== undefined) return known;
    const key = canonicalAttributes(attributes);
    let series = this.#byKey.get(key);
    if (series === undefined) {
      series = this.#create(attributes);
      this.#byKey.set(key, series);
    }
    if (Object.isFrozen(attributes) && Object.values(attributes).every(isPrimitive)) {
      this.#byIdentity.set(attributes, series);
    }
    return series;
  }

  get size(): number {
    return this.#byKey.size;
  }
}

function isPrimitive(value: AttributeValue | undefined): boolean {
  return typeof value !== 'object';
}

/** The same string for the same attributes in any order; distinguishes `1` from `"1"`, and NaN from null. */
export function canonicalAttributes(attributes: Attributes): string {
  const keys = Object.keys(attributes);
  if (keys.length > 1) keys.sort();
  let text = '';
  for (const key of keys) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    text += `${JSON.stringify(key)}:${typeof value === 'number' ? numberKey(value) : JSON.stringify(value)},`;
  }
  return text;
}

function numberKey(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
