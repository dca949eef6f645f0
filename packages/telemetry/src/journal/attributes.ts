/**
 * Attributes as JSON, whatever a program passes: OTLP's values (strings, booleans, numbers, bytes, lists, maps) come back
 * as they were; what has no place there (functions, symbols, cycles) is left out.
 *
 * Invariant: the same attributes give the same text, in whatever order they were given.
 * On failure: to encode may throw, and the caller counts it; to decode never does, and leaves out what is malformed.
 */
import type { Attributes } from '@opentelemetry/api';

type Encoded =
  | string
  | number
  | boolean
  | null
  | readonly Encoded[]
  | { readonly number: string }
  | { readonly bytes: string }
  | { readonly map: EncodedAttributes };

/** Pairs and not an object, so that a key such as `__proto__` is only a key; JSON has neither NaN nor -0. */
export type EncodedAttributes = readonly (readonly [key: string, value: Encoded])[];

/** Deeper values are left out: a cycle must end. */
const MAX_DEPTH = 8;
/** More are no attributes but the graph of a program's objects, which may have billions of paths. */
const MAX_VALUES = 4096;

/** What one encoding may still take up. */
interface Allowance {
  values: number;
}

/**
 * Encodes attributes, sorted by key.
 * @throws RangeError beyond 4096 values, nested ones included; and whatever a getter or proxy throws.
 */
export function encodeAttributes(
  attributes: Attributes,
  depth = 0,
  allowance: Allowance = { values: MAX_VALUES },
): EncodedAttributes {
  const pairs: [string, Encoded][] = [];
  for (const key of Object.keys(attributes).toSorted()) {
    const value = encodeValue(attributes[key], depth, allowance);
    if (value !== undefined && value !== null) pairs.push([key, value]);
  }
  return pairs;
}

/** Encodes one value; `undefined` where it has no place in attributes. Throws as `encodeAttributes` does. */
export function encodeValue(
  value: unknown,
  depth = 0,
  allowance: Allowance = { values: MAX_VALUES },
): Encoded | undefined {
  if (allowance.values-- === 0) throw new RangeError(`more than ${MAX_VALUES} values in attributes`);
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value) && !Object.is(value, -0)) return value;
      return { number: Object.is(value, -0) ? '-0' : String(value) };
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'object':
      if (value === null) return null;
      if (depth === MAX_DEPTH) return undefined;
      if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') };
      if (Array.isArray(value)) return value.map((item) => encodeValue(item, depth + 1, allowance) ?? null);
      return { map: encodeAttributes(value as Attributes, depth + 1, allowance) };
    default:
      return undefined;
  }
}

/** Attributes from what may be their encoding. Never throws. */
export function decodeAttributes(
  pairs: unknown,
  depth = 0,
  allowance: Allowance = { values: MAX_VALUES },
): Attributes {
  // Without a prototype: a key such as `__proto__` is only a key.
  const attributes = Object.create(null) as Attributes;
  for (const pair of listOf(pairs)) {
    const [key, encoded] = listOf(pair);
    const value = decodeValue(encoded, depth, allowance);
    if (typeof key === 'string' && value !== undefined && value !== null) {
      attributes[key] = value;
    }
  }
  return attributes;
}

function decodeValue(value: unknown, depth: number, allowance: Allowance): unknown {
  if (allowance.values === 0) return undefined;
  allowance.values--;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return undefined;
  if (Array.isArray(value)) return value.map((item) => decodeValue(item, depth + 1, allowance) ?? null);
  const { number, bytes, map }: Partial<Record<'number' | 'bytes' | 'map', unknown>> = value;
  if (typeof number === 'string') return Number(number);
  if (typeof bytes === 'string') return new Uint8Array(Buffer.from(bytes, 'base64'));
  return Array.isArray(map) ? decodeAttributes(map, depth + 1, allowance) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
