/**
 * Attributes as JSON, whatever a program passes: OTLP's values (strings, booleans, numbers, bytes, lists, maps) come back
 * as they were; what has no place there (functions, symbols, cycles) is left out.
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

/** May throw for a hostile object (getters, proxies); the caller counts it. */
export function encodeAttributes(attributes: Attributes, depth = 0): EncodedAttributes {
  const pairs: [string, Encoded][] = [];
  for (const key of Object.keys(attributes)) {
    const value = encodeValue(attributes[key], depth);
    if (value !== undefined && value !== null) pairs.push([key, value]);
  }
  return pairs;
}

export function encodeValue(value: unknown, depth = 0): Encoded | undefined {
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
      if (Array.isArray(value)) return value.map((item) => encodeValue(item, depth + 1) ?? null);
      return { map: encodeAttributes(value as Attributes, depth + 1) };
    default:
      return undefined;
  }
}

export function decodeAttributes(pairs: EncodedAttributes): Attributes {
  // Without a prototype: a key such as `__proto__` is only a key.
  const attributes = Object.create(null) as Attributes;
  for (const [key, value] of pairs) attributes[key] = decodeValue(value);
  return attributes;
}

function decodeValue(value: Encoded): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map((item) => decodeValue(item));
  if ('number' in value) return Number(value.number);
  if ('bytes' in value) return new Uint8Array(Buffer.from(value.bytes, 'base64'));
  return decodeAttributes(value.map);
}

function isList(value: object): value is readonly Encoded[] {
  return Array.isArray(value);
}
