/**
 * One configuration of a file and the files that it includes.
 *
 * In: what each file holds. Out: all of it, and where each part of it is written.
 * Invariant: attributes are concatenated in the order of the files; a profile, and a key of `opentelemetry.metrics` or
 * `opentelemetry.traces`, is in one file, or the same in all; so is every other section as a whole.
 * On failure: a problem for each that differs, which names both files.
 */
import type { Problem } from '../errors.ts';
import { canonicalJson } from './canonical.ts';
import { isObject } from './object.ts';
import { snakeCase } from './spelling.ts';
import { childPath, nearest } from './text.ts';

export interface Document {
  /** Absolute; `undefined` for an object that a program passes. */
  readonly file: string | undefined;
  readonly value: Readonly<Record<string, unknown>>;
  /** By path. */
  readonly lines: ReadonlyMap<string, number>;
}

export interface Location {
  readonly file?: string;
  readonly line?: number;
}

export interface Merged {
  readonly configuration: Readonly<Record<string, unknown>>;
  /** Where something is written, or else what it is a part of. */
  readonly locate: (path: string) => Location;
}

/** Sections whose keys may come from several files. */
const SHARED = /^(profiles|opentelemetry(\.\w+)?)?$/;
/** Lists that several files may add to. */
const CONCATENATED = /^opentelemetry\.\w+\.attributes$/;

export function merge(documents: readonly Document[], problems: Problem[]): Merged {
  const merging = new Merging(problems);
  let configuration: unknown;
  for (const document of documents) configuration = merging.add(configuration, document, '');
  const locate = (path: string): Location => merging.locate(path);
  return { configuration: isObject(configuration) ? configuration : {}, locate };
}

class Merging {
  readonly #problems: Problem[];
  readonly #locations = new Map<string, Location>();

  constructor(problems: Problem[]) {
    this.#problems = problems;
  }

  /** What there was at a path, with what a document has there. */
  add(before: unknown, document: Document, path: string, value: unknown = document.value): unknown {
    if (before === undefined) {
      this.#note(path, path, document);
      return value;
    }
    if (SHARED.test(path) && isObject(before) && isObject(value)) {
      const whole = new Map(Object.entries(before));
      for (const [key, part] of Object.entries(value)) {
        const known = path.startsWith('opentelemetry') ? sameKey(key, whole) : key;
        whole.set(known, this.add(whole.get(known), document, childPath(path, known), part));
      }
      return Object.fromEntries(whole);
    }
    if (CONCATENATED.test(path) && Array.isArray(before) && Array.isArray(value)) {
      for (const index of value.keys())
        this.#note(childPath(path, before.length + index), childPath(path, index), document);
      return [...(before as unknown[]), ...(value as unknown[])];
    }
    if (canonicalJson(before) !== canonicalJson(value)) this.#differ(path, document);
    return before;
  }

  locate(path: string): Location {
    return nearest(this.#locations, path) ?? {};
  }

  /** Where a document writes what is at a path now, with all that is inside. */
  #note(path: string, written: string, { file, lines }: Document): void {
    if (file === undefined) return;
    this.#locations.set(path, { file });
    for (const [part, line] of lines) {
      const rest = part.slice(written.length);
      if (part.startsWith(written) && (written === '' || /^([.[]|$)/.test(rest)))
        this.#locations.set(path + rest, { file, line });
    }
  }

  #differ(path: string, { file, lines }: Document): void {
    const first = this.locate(path);
    const where = [first.file, first.line].filter((part) => part !== undefined).join(':');
    const line = lines.get(path);
    this.#problems.push({
      path,
      value: 'another value',
      expected: `the same as in ${where}, or to be in one of the files`,
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
    });
  }
}

/** The spelling that is there already. */
function sameKey(key: string, whole: ReadonlyMap<string, unknown>): string {
  return [...whole.keys()].find((other) => snakeCase(other) === snakeCase(key)) ?? key;
}
