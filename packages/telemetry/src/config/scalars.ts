/** Building blocks that hold no others; see schema.ts. */
import type { JsonSchema } from './json-schema.ts';
import { refuse, type Schema } from './schema.ts';
import { alternatives } from './spelling.ts';

/** Of plain data that nobody else describes: what is deeper is refused, and so are cycles. */
const MAX_DEPTH = 32;

/** A value that passes a test. */
export function scalar<T>(
  expected: string,
  json: JsonSchema,
  isRight: (value: unknown) => value is T,
): Schema<T> {
  return {
    expected,
    json,
    read: (value, place) => (isRight(value) ? value : refuse(place, value, expected)),
  };
}

/** A string that is not empty. */
export function text(expected: string): Schema<string> {
  return scalar(expected, { type: 'string', minLength: 1 }, isText);
}

export function truth(): Schema<boolean> {
  return scalar('true or false', { type: 'boolean' }, (value) => typeof value === 'boolean');
}

export function choice<const T extends string>(...names: readonly [T, ...T[]]): Schema<T> {
  const isName = (value: unknown): value is T => names.some((name) => name === value);
  return scalar(alternatives(names), { enum: names }, isName);
}

/** A whole number, bounds included. */
export function integer(minimum: number, maximum?: number): Schema<number> {
  const isRight = (value: unknown): value is number =>
    Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= (maximum ?? Infinity);
  const expected = maximum === undefined ? `from ${minimum}` : `in [${minimum}, ${maximum}]`;
  const bounds = maximum === undefined ? { minimum } : { minimum, maximum };
  return scalar(`a whole number ${expected}`, { type: 'integer', ...bounds }, isRight);
}

/** A number in [0, 1]. */
export function share(): Schema<number> {
  return scalar('a number in [0, 1]', { type: 'number', minimum: 0, maximum: 1 }, isShare);
}

/** Upper bounds of a histogram's buckets. */
export function boundaries(): Schema<readonly number[]> {
  const json = { type: 'array', items: { type: 'number' }, minItems: 1 };
  return scalar('a list of ascending numbers', json, areBoundaries);
}

/** An interval or a timeout. */
export function millis(): Schema<number> {
  const bounds = { type: 'number', exclusiveMinimum: 0 };
  return scalar('a number of milliseconds in (0, Infinity)', bounds, isMillis);
}

/** Plain data that is the same after it has been stored as JSON. */
export function plainData(): Schema<unknown> {
  return scalar('a value that JSON can hold', {}, (value): value is unknown => isJson(value, 0));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isShare(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function areBoundaries(value: unknown): value is readonly number[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every(
    (bound, index) => Number.isFinite(bound) && (index === 0 || Number(value[index - 1]) < Number(bound)),
  );
}

function isMillis(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value < Infinity;
}

function isJson(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null)
    return value === null || typeof value === 'string' || typeof value === 'boolean';
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain && depth < MAX_DEPTH && Object.values(value).every((part) => isJson(part, depth + 1));
}
