/**
 * Attribute sets → series, by structure: key order does not matter, and a caller may mutate its object afterwards.
 * A frozen object with only primitive values is recognised by identity. Configured attributes are merged when a series is
 * made, so that they cost a repeated set nothing; those that are dynamic are merged at each record, in a class of its own.
 * On failure: an object that cannot be read (a throwing getter, an endless graph) has no series; its record is counted
 * as dropped.
 */
import type { Attributes } from '@opentelemetry/api';
import type { ConfiguredAttributes } from '../attributes/configured.ts';
import { decodeAttributes, encodeAttributes, encodeValue } from '../journal/attributes.ts';

/** Longer ones are no attributes, and would not fit into a frame. */
const MAX_KEY_LENGTH = 1024 * 1024;

const NONE: Attributes = Object.freeze({});

export class AttributeIndex<Series> {
  readonly #create: (attributes: Attributes) => Series;
  readonly #configured: ConfiguredAttributes | undefined;
  readonly #byKey = new Map<string, Series>();
  readonly #byIdentity = new WeakMap<Attributes, Series>();

  constructor(create: (attributes: Attributes) => Series, configured?: ConfiguredAttributes) {
    this.#create = create;
    this.#configured = configured;
  }

  get(given?: Attributes): Series | undefined {
    const attributes = asAttributes(given);
    const known = this.#byIdentity.get(attributes);
    if (known !== undefined) return known;
    try {
      return this.#find(attributes);
    } catch {
      return undefined;
    }
  }

  /** The series itself; where it may be another at each record, what `each` makes of a copy of the attributes. */
  bind<Bound>(attributes: Attributes, _each: (copy: Attributes) => Bound): Series | Bound | undefined {
    return this.get(attributes);
  }

  #find(attributes: Attributes): Series {
    const key = canonicalAttributes(attributes);
    if (key.length > MAX_KEY_LENGTH) throw new RangeError(`attributes of ${key.length} characters`);
    let series = this.#byKey.get(key);
    if (series === undefined) {
      series = this.#merged(attributes) ?? this.#create(attributes);
      this.#byKey.set(key, series);
    }
    if (Object.isFrozen(attributes) && hasOnlyPrimitives(attributes)) {
      this.#byIdentity.set(attributes, series);
    }
    return series;
  }

  /** Sets that are the same once the configured attributes are in them are one series. */
  #merged(attributes: Attributes): Series | undefined {
    if (this.#configured === undefined) return undefined;
    const merged = this.#configured.merge(attributes);
    const key = canonicalAttributes(merged);
    let series = this.#byKey.get(key);
    if (series === undefined) {
      series = this.#create(merged);
      this.#byKey.set(key, series);
    }
    return series;
  }
}

/** For configured attributes that are dynamic. */
class DynamicAttributeIndex<Series> extends AttributeIndex<Series> {
  readonly #dynamic: ConfiguredAttributes;

  constructor(create: (attributes: Attributes) => Series, dynamic: ConfiguredAttributes) {
    super(create);
    this.#dynamic = dynamic;
  }

  override get(given?: Attributes): Series | undefined {
    let merged: Attributes;
    try {
      merged = this.#dynamic.merge(asAttributes(given));
    } catch {
      return undefined;
    }
    return super.get(merged);
  }

  override bind<Bound>(attributes: Attributes, each: (copy: Attributes) => Bound): Bound | undefined {
    try {
      return each(decodeAttributes(encodeAttributes(asAttributes(attributes))));
    } catch {
      return undefined;
    }
  }
}

export function attributeIndex<Series>(
  create: (attributes: Attributes) => Series,
  configured: ConfiguredAttributes | undefined,
): AttributeIndex<Series> {
  return configured?.isDynamic === true
    ? new DynamicAttributeIndex(create, configured)
    : new AttributeIndex(create, configured);
}

function asAttributes(given: Attributes | undefined): Attributes {
  return typeof given === 'object' && given !== null ? given : NONE;
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
