/**
 * Attribute sets → series, by structure: key order does not matter, and a caller may mutate its object afterwards.
 * What defines a set is its canonical text; a trie of plain values knows the way to a set that was seen before without it, and
 * a frozen object with only primitive values is recognised by identity. Configured attributes are merged when a series is
 * made, so that they cost a repeated set nothing; those that are dynamic are merged at each record, in a class of its own.
 * Sets beyond the cardinality limit share one series, and are not remembered.
 * On failure: an object that cannot be read (a throwing getter, an endless graph) has no series; its record is counted
 * as dropped.
 */
import type { Attributes } from '@opentelemetry/api';
import type { ConfiguredAttributes } from '../attributes/configured.ts';
import { decodeAttributes, encodeAttributes, encodeValue } from '../journal/attributes.ts';
import { AttributeTrie } from './attribute-trie.ts';
import { LimitedSeries, OVERFLOW_ATTRIBUTES } from './cardinality.ts';

/** Longer ones are no attributes, and would not fit into a frame. */
const MAX_KEY_LENGTH = 1024 * 1024;
/** Sets whose text is longer are not in the trie: together with the limit of nodes, this bounds what it holds. */
const MAX_LEARNED_LENGTH = 1024;
/** About 100 bytes each. Enough for sets of 16 attributes, or of fewer in several orders, that have nothing in common. */
const NODES_PER_SERIES = 16;
/** Of so many objects that the trie knows, one is looked at whether it is frozen: 30 ns that a fresh one would pay in vain. */
const LOOK_EVERY = 32;

const NONE: Attributes = Object.freeze({});

export class AttributeIndex<Series> {
  readonly #create: (attributes: Attributes) => Series;
  readonly #configured: ConfiguredAttributes | undefined;
  readonly #byKey: LimitedSeries<Series>;
  /** Series by their attributes before the configured ones are merged into them. */
  readonly #byGivenKey: LimitedSeries<Series>;
  readonly #byIdentity = new WeakMap<Attributes, Series>();
  #hasFrozen = false;
  #untilLook = LOOK_EVERY;
  readonly #trie: AttributeTrie<Series>;

  constructor(
    create: (attributes: Attributes) => Series,
    cardinalityLimit: number,
    configured?: ConfiguredAttributes,
  ) {
    this.#create = create;
    this.#configured = configured;
    this.#byKey = new LimitedSeries(cardinalityLimit, () => create(OVERFLOW_ATTRIBUTES));
    this.#byGivenKey = new LimitedSeries(cardinalityLimit, () => this.#byKey.overflow);
    this.#trie = new AttributeTrie(NODES_PER_SERIES * cardinalityLimit);
  }

  /** Whether this is the one series of all sets beyond the limit. */
  isOverflow(series: Series): boolean {
    return this.#byKey.isOverflow(series);
  }

  get(given?: Attributes): Series | undefined {
    const attributes = asAttributes(given);
    if (this.#hasFrozen) {
      const known = this.#byIdentity.get(attributes);
      if (known !== undefined) return known;
    }
    try {
      const series = this.#trie.find(attributes);
      if (series === undefined) return this.#find(attributes);
      if (--this.#untilLook === 0) this.#recognise(attributes, series);
      return series;
    } catch {
      return undefined;
    }
  }

  /** The series itself; where it may be another at each record, what `each` makes of a copy of the attributes. */
  bind<Bound>(attributes: Attributes, _each: (copy: Attributes) => Bound): Series | Bound | undefined {
    return this.get(attributes);
  }

  #find(given: Attributes): Series {
    const attributes = copyOf(given);
    const key = canonicalAttributes(attributes);
    if (key.length > MAX_KEY_LENGTH) throw new RangeError(`attributes of ${key.length} characters`);
    const series =
      this.#configured === undefined
        ? (this.#byKey.get(key) ?? this.#byKey.add(key, () => this.#create(attributes)))
        : (this.#byGivenKey.get(key) ?? this.#merged(key, attributes, this.#configured));
    if (key.length <= MAX_LEARNED_LENGTH && !this.isOverflow(series)) this.#trie.learn(attributes, series);
    this.#recognise(given, series);
    return series;
  }

  /** From now on by its identity, where it cannot change. */
  #recognise(attributes: Attributes, series: Series): void {
    this.#untilLook = LOOK_EVERY;
    if (!Object.isFrozen(attributes) || !hasOnlyPrimitives(attributes)) return;
    this.#hasFrozen = true;
    this.#byIdentity.set(attributes, series);
  }

  /** Sets that are the same once the configured attributes are in them are one series. */
  #merged(givenKey: string, attributes: Attributes, configured: ConfiguredAttributes): Series {
    const merged = configured.merge(attributes);
    const key = canonicalAttributes(merged);
    const series = this.#byKey.get(key) ?? this.#byKey.add(key, () => this.#create(merged));
    // Where there is no room for its key, it is merged each time.
    this.#byGivenKey.add(givenKey, () => series);
    return series;
  }
}

/** For configured attributes that are dynamic. */
class DynamicAttributeIndex<Series> extends AttributeIndex<Series> {
  readonly #dynamic: ConfiguredAttributes;

  constructor(
    create: (attributes: Attributes) => Series,
    cardinalityLimit: number,
    dynamic: ConfiguredAttributes,
  ) {
    super(create, cardinalityLimit);
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
  cardinalityLimit: number,
  configured: ConfiguredAttributes | undefined,
): AttributeIndex<Series> {
  return configured?.isDynamic === true
    ? new DynamicAttributeIndex(create, cardinalityLimit, configured)
    : new AttributeIndex(create, cardinalityLimit, configured);
}

function asAttributes(given: Attributes | undefined): Attributes {
  return typeof given === 'object' && given !== null ? given : NONE;
}

/** What is in it now, each getter asked once: the series must be that of the values that the trie learns. */
function copyOf(attributes: Attributes): Attributes {
  // Without a prototype: a key such as `__proto__` is only a key.
  const copy = Object.create(null) as Attributes;
  for (const key of Object.keys(attributes)) copy[key] = attributes[key];
  return copy;
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
