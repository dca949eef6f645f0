/** What both readers of text share: where each value stands, and how large a configuration may be. */
import type { Problem } from '../errors.ts';

/** A value, and the line of each of its parts by path (`opentelemetry.metrics.attributes[0].type`). */
export interface Parsed {
  readonly value: unknown;
  readonly lines: ReadonlyMap<string, number>;
}

/** Of the text. */
export const MAX_BYTES = 1_048_576;
/** Of values, those included that YAML repeats by an alias. */
export const MAX_VALUES = 100_000;
export const MAX_DEPTH = 64;

export const TOO_MANY: string = `at most ${MAX_VALUES} values`;
export const TOO_DEEP: string = `at most ${MAX_DEPTH} levels`;

/** The syntax is wrong; the rest of the file is not read. */
export class SyntaxProblem extends Error {
  readonly problem: Problem;

  constructor(expected: string, position: { readonly line: number; readonly column: number }) {
    super(expected);
    const { line, column } = position;
    this.problem = { path: '', value: undefined, expected, line, column };
  }
}

export function childPath(parent: string, key: string | number): string {
  if (typeof key === 'number') return `${parent}[${key}]`;
  return parent === '' ? key : `${parent}.${key}`;
}

/** What a map holds for a path, or else for what it is a part of. */
export function nearest<T>(map: ReadonlyMap<string, T>, path: string): T | undefined {
  for (let at = path; ; at = at.slice(0, Math.max(at.lastIndexOf('.'), at.lastIndexOf('['), 0))) {
    const found = map.get(at);
    if (found !== undefined || at === '') return found;
  }
}
