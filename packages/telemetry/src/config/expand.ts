/**
 * Environment variables in the texts of a configuration: `${NAME}` and `$NAME`; `$$` is a dollar.
 *
 * In: a value, the environment. Out: a copy of plain data.
 * On failure: where it is strict, a problem for each variable that is not set; elsewhere the text stays as it is, because
 * that part of the configuration belongs to others. What is no plain data is a problem anywhere.
 */
import { inside, refuse, type Place } from './schema.ts';
import { MAX_DEPTH, TOO_DEEP } from './text.ts';

type Environment = Readonly<NodeJS.ProcessEnv>;

const VARIABLE = /\$(?:\$|\{([^{}]*)\}|([A-Za-z_]\w*))/g;

export interface Expansion {
  readonly env: Environment;
  /** Paths at which a variable has to be set. */
  readonly strict: RegExp;
}

export function expand(value: unknown, expansion: Expansion, place: Place, depth = 0): unknown {
  if (typeof value === 'string') return expandText(value, expansion, place);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return refuse(place, '…', TOO_DEEP);
  if (Array.isArray(value)) {
    return value.map((part: unknown, index) => expand(part, expansion, inside(place, index), depth + 1));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return refuse(place, Object.prototype.toString.call(value), 'a value that JSON can hold');
  }
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(
    entries.map(([key, part]) => [key, expand(part, expansion, inside(place, key), depth + 1)]),
  );
}

function expandText(text: string, { env, strict }: Expansion, place: Place): string {
  return text.replaceAll(VARIABLE, (written: string, braced?: string, bare?: string) => {
    if (written === '$$') return '$';
    const name = braced ?? bare ?? '';
    const value: unknown = env[name];
    if (typeof value === 'string') return value;
    if (strict.test(place.path)) refuse(place, written, `the environment variable ${name} to be set`);
    return written;
  });
}
