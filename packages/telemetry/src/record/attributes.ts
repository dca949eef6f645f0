/**
 * Attribute sets → series, by structure: key order does not matter, and a caller may mutate its object afterwards.
 * A frozen object with only primitive values is recognised by identity.
 * On failure: an object that cannot be read (a throwing getter, an endless graph) has no series; its record is counted
 * as dropped.
 */
import type { Attributes } from '@opentelemetry/api';
import { encodeValue } from '../journal/attributes.ts';

/** Longer ones are no attributes, and would not fit into a frame. */
const MAX_KEY_LENGTH = 1024 * 1024;

const NONE: Attributes = Object.freeze({});

export class AttributeIndex<Series> {
  readonly #create: (attributes: Attributes) => Series;
  readonly #byKey = new Map<string, Series>();
  readonly #byIdentity = new WeakMap<Attributes, Series>();

  constructor(create: (attributes: Attributes) => Series) {
    this.#create = create;
  }

  get(given?: Attributes): Series | undefined {
    const attributes = typeof given === 'object' && given !== null ? given : NONE;
    const known = this.#byIdentity.get(attributes);
    if (known !== undefined) return known;
    try {
      return this.#find(attributes);
    } catch {
      return undefined;
    }
  }

  #find(attributes: Attributes): Series {
    const key = canonicalAttributes(attributes);
    if (key.length > MAX_KEY_LENGTH) throw new RangeError(`attributes of ${key.length} characters`);
    let series = this.#byKey.get(key);
    if (series === undefined) {
      series = this.#create(attributes);
      this.#byKey.set(key, series);
    }
    if (Object.isFrozen(attributes) && hasOnlyPrimitives(attributes)) {
      this.#byIdentity.set(attributes, series);
    }
    return series;
  }
}

/** A getter may answer differently each time, even where the object is frozen. */
function hasOnlyPrimitives(attributes: Attributes): boolean {
  return Object.values(Object.getOwnPropertyDescriptors(attributes)).every(
    (property) => 'value' in property && typeof property.value !== 'object',
  );
}

/** The same string for the same attributes in any order; distinguishes `1` from `"1"`, and NaN from null. */
export function canonicalAttributes(attributes: Attributes): string {
  const keys = Object.keys(attributes);
  if (keys.length > 1) keys.sort();
  let text = '';
  for (const key of keys) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    text += `${JSON.stringify(key)}:${canonicalValue(value)},`;
  }
  return text;
}

function canonicalValue(value: unknown): string | undefined {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return typeof value === 'boolean' ? String(value) : JSON.stringify(encodeValue(value));
}
