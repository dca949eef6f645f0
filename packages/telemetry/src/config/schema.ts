/**
 * Building blocks of the configuration's description: each reads a value, and says as JSON Schema what it reads.
 *
 * In: a value of unknown origin. Out: what it means, with keys in camelCase; `undefined` where it is wrong.
 * Invariant: every problem is added to the place, none is thrown, and what is right beside it is read all the same.
 * Ours and not a library's, because it runs in every thread that records; see docs/decisions/0008.
 */
import type { Problem } from '../errors.ts';
import { isObject } from './object.ts';
import { objectJson, taggedJson, type JsonSchema } from './json-schema.ts';
import { misspelt, suggestion } from './nearest.ts';
import { alternatives, snakeCase } from './spelling.ts';

/** Where a value was found, and where its problems go. */
export interface Place {
  /** `reader.options`, `attributes[0].type`; empty for the section itself. */
  readonly path: string;
  /** What the section is called where it is itself the problem. */
  readonly section: string;
  readonly problems: Problem[];
}

export interface Schema<T> {
  /** Ends the sentence "got …, expected". Like `json` made when it is asked for: a program starts without either. */
  readonly expected: string;
  readonly json: JsonSchema;
  read(value: unknown, place: Place): T | undefined;
}

export type Fields<T> = { readonly [Key in keyof T]-?: Schema<Exclude<T[Key], undefined>> };

type Schemas = Readonly<Record<string, Schema<unknown>>>;

/** What a `tagged` reads: `{type, options}`, the options by the type. */
export type Tagged<V> = { [Type in keyof V]: { readonly type: Type; readonly options: V[Type] } }[keyof V];

export function inside({ path, section, problems }: Place, key: string | number): Place {
  const step = typeof key === 'number' ? `[${key}]` : path === '' ? key : `.${key}`;
  return { path: path + step, section, problems };
}

export function refuse({ path, section, problems }: Place, value: unknown, expected: string): undefined {
  problems.push({ path: path === '' ? section : path, value, expected });
}

/** What somebody else checks. */
export function anything(json: JsonSchema = {}): Schema<unknown> {
  return { expected: 'anything', json, read: (value) => value };
}

/** The same schema with words for whoever writes a file, and with the default, if there is one. */
export function described<T>(schema: Schema<T>, description: string, preset?: unknown): Schema<T> {
  const extra = preset === undefined ? { description } : { description, default: preset };
  return {
    get expected() {
      return schema.expected;
    },
    get json() {
      return { ...schema.json, ...extra };
    },
    read: (value, place) => schema.read(value, place),
  };
}

/** Wrong items are `undefined` in what is read. */
export function list<T>(item: Schema<T>): Schema<readonly (T | undefined)[]> {
  const expected = 'a list';
  return {
    expected,
    get json() {
      return { type: 'array', items: item.json };
    },
    read(value, place) {
      if (!Array.isArray(value)) return refuse(place, value, expected);
      return value.map((one: unknown, index) => item.read(one, inside(place, index)));
    },
  };
}

/** Keys of the user's choice. */
export function map<T>(item: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return {
    get expected() {
      return `an object, each value ${item.expected}`;
    },
    get json() {
      return { type: 'object', additionalProperties: item.json };
    },
    read(value, place) {
      if (!isObject(value)) return refuse(place, value, this.expected);
      const entries = Object.entries(value).flatMap(([key, one]): [string, T][] => {
        const read = one === undefined ? undefined : item.read(one, inside(place, key));
        return read === undefined ? [] : [[key, read]];
      });
      return Object.fromEntries(entries);
    },
  };
}

/**
 * Known keys, in camelCase here, and in snake_case or camelCase where they are read. Wrong fields and those that are not
 * there are left out of what is read; without a `required` one nothing is read.
 */
export function object<T extends object>(
  fields: Fields<T>,
  required: readonly (keyof T & string)[] = [],
): Schema<T> {
  const schemas: Schemas = fields;
  return {
    get expected() {
      return objectOf(schemas);
    },
    get json() {
      return objectJson(schemas, required);
    },
    read(value, place) {
      const found = readFields(schemas, value, place);
      if (found === undefined || !hasAll(required, found, schemas, place)) return undefined;
      return plain(found) as T;
    },
  };
}

/** Known keys, and any others as long as they are no typo of one of `important`; those are not read. */
export function open<T extends object>(
  fields: Fields<T>,
  important: readonly (keyof T & string)[],
): Schema<T> {
  const schemas: Schemas = fields;
  const unknown = (key: string): string | undefined => {
    const meant = misspelt(key, important);
    return meant === undefined ? undefined : `${meant}, or a key that is less like it`;
  };
  return {
    expected: 'an object',
    get json() {
      return objectJson(schemas, [], true);
    },
    read(value, place) {
      const found = readFields(schemas, value, place, unknown);
      return found === undefined ? undefined : (plain(found) as T);
    },
  };
}

/**
 * What was read for each known key that is there, `undefined` where it is wrong.
 * @param unknown what is expected instead of a key that is not known, if anything.
 */
function readFields(
  schemas: Schemas,
  value: unknown,
  place: Place,
  unknown: (key: string) => string | undefined = (key) => unknownKey(key, Object.keys(schemas)),
): Map<string, unknown> | undefined {
  if (!isObject(value)) return refuse(place, value, objectOf(schemas));
  const names = new Map(
    Object.keys(schemas).flatMap((name) => [
      [name, name],
      [snakeCase(name), name],
    ]),
  );
  const found = new Map<string, unknown>();
  for (const [key, part] of Object.entries(value)) {
    if (part === undefined) continue;
    const name = names.get(key);
    const at = inside(place, key);
    if (name === undefined) {
      const expected = unknown(key);
      if (expected !== undefined) refuse(at, part, expected);
    } else if (found.has(name)) refuse(at, part, `only one spelling of ${name}`);
    else found.set(name, schemas[name].read(part, at));
  }
  return found;
}

/** Whether all that is required was read; what is not even there is a problem. */
function hasAll(
  required: readonly string[],
  found: ReadonlyMap<string, unknown>,
  schemas: Schemas,
  place: Place,
): boolean {
  for (const name of required)
    if (!found.has(name)) refuse(inside(place, snakeCase(name)), undefined, schemas[name].expected);
  return required.every((name) => found.get(name) !== undefined);
}

function plain(found: ReadonlyMap<string, unknown>): object {
  return Object.fromEntries([...found].filter(([, read]) => read !== undefined));
}

/** How a `tagged` goes on where the type is none of the known ones. */
export interface OtherTypes {
  readonly pattern: RegExp;
  readonly expected: string;
  readonly options: Schema<unknown>;
}

/** What a `tagged` has beside its types. */
export interface TaggedExtras<B> {
  /** Keys that all types have, beside `type` and `options`. */
  readonly fields?: Fields<B>;
  /** Of those, the ones that have to be there. */
  readonly required?: readonly (keyof B & string)[];
  readonly other?: OtherTypes;
}

/** `{type, options}` with the options of the type. */
export function tagged<V extends object, B extends object = object>(
  types: { readonly [Type in keyof V]: Schema<V[Type]> },
  { fields, required = [], other }: TaggedExtras<B> = {},
): Schema<Tagged<V> & B> {
  const schemas: Schemas = types;
  const known = Object.keys(schemas);
  const expectedType = alternatives(other === undefined ? known : [...known, other.expected]);
  const optionsOf = (type: unknown): Schema<unknown> | undefined => {
    if (typeof type !== 'string') return undefined;
    if (Object.hasOwn(schemas, type)) return schemas[type];
    return other?.pattern.test(type) === true ? other.options : undefined;
  };
  const beside: Schemas = { ...fields };
  const all: Schemas = { type: anything(), options: anything(), ...beside };
  return {
    get expected() {
      return objectOf(all);
    },
    get json() {
      return taggedJson(schemas, beside, required, other?.pattern);
    },
    read(value, place) {
      const found = readFields(all, value, place);
      if (found === undefined) return undefined;
      const isWhole = hasAll(required, found, all, place);
      const { type, options = {}, ...rest } = Object.fromEntries(found);
      const schema = optionsOf(type);
      if (schema === undefined) {
        const near = typeof type === 'string' ? suggestion(type, known) : '';
        return refuse(inside(place, 'type'), type, expectedType + near);
      }
      const read = schema.read(options, inside(place, 'options'));
      if (!isWhole || read === undefined) return undefined;
      return { ...plain(new Map(Object.entries(rest))), type, options: read } as Tagged<V> & B;
    },
  };
}

function objectOf(schemas: Schemas): string {
  const keys = Object.keys(schemas).map(snakeCase).join(', ');
  return keys === '' ? 'an empty object' : `an object with the keys ${keys}`;
}

/** The known keys are listed in the spelling that was tried. */
function unknownKey(key: string, names: readonly string[]): string {
  const keys = /[A-Z]/.test(key) ? names : names.map(snakeCase);
  const known = keys.length === 0 ? 'no keys' : `one of the keys ${keys.join(', ')}`;
  return known + suggestion(key, keys);
}
