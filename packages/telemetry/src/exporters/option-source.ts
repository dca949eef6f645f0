/**
 * Options of built-in exporters, and the variables that stand in for them.
 *
 * In: options as the user wrote them, and the environment. Out: values that have been checked, each with where it came from.
 * Invariant: reading goes on after a problem, with a default or nothing, so that all problems are found at once.
 * On failure: one more entry in `problems`, which the caller throws; a value that it calls secret is `(hidden)`.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve as absolutePath } from 'node:path';
import type { Problem } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Options = Readonly<Record<string, unknown>>;

/** A value, and the option or variable that holds it. */
export interface Found {
  readonly name: string;
  /** What a problem with it is reported under. */
  readonly path: string;
  readonly value: unknown;
}

/** Credentials are not shown, not even those that are wrong. */
export const HIDDEN = '(hidden)';

/** Where options are looked up: what the user passed, then the environment. Reading adds what is wrong to `problems`. */
export class OptionSource {
  readonly options: Options;
  readonly problems: Problem[];
  readonly #env: Environment;
  readonly #path: string;

  constructor(options: Options, path: string, env: Environment, problems: Problem[]) {
    this.options = options;
    this.problems = problems;
    this.#env = env;
    this.#path = path;
  }

  /** Every option that is not known is a problem, which names those that are `listed`. */
  refuseOthers(known: readonly string[], listed: readonly string[] = known): void {
    for (const [name, value] of Object.entries(this.options)) {
      if (known.includes(name) || value === undefined) continue;
      const expected = known.length === 0 ? 'no options' : `only ${listed.join(', ')}`;
      this.problems.push({ path: this.pathOf(name), value, expected });
    }
  }

  /** An option by any one of its names. */
  option(names: readonly string[]): Found | undefined {
    const { options } = this;
    const [name, second] = names.filter((each) => options[each] !== undefined && options[each] !== null);
    if (second !== undefined) {
      const expected = `either ${names.join(' or ')}, not both`;
      this.problems.push({ path: this.pathOf(second), value: options[second], expected });
    }
    return name === undefined ? undefined : { name, path: this.pathOf(name), value: options[name] };
  }

  variable(name: string): Found | undefined {
    const value = this.#env[name]?.trim();
    return value === undefined || value === '' ? undefined : { name, path: name, value };
  }

  choice<T extends string>(found: Found | undefined, choices: readonly T[], preset: T): T {
    if (found === undefined) return preset;
    const { value } = found;
    const chosen = choices.find((name) => typeof value === 'string' && name === value.toLowerCase());
    if (chosen === undefined) this.problem(found, `one of ${choices.join(', ')}`);
    return chosen ?? preset;
  }

  /** The absolute path of a file that can be read. */
  file(found: Found | undefined): string | undefined {
    if (found === undefined) return undefined;
    const { value } = found;
    const absolute = typeof value === 'string' && value !== '' ? absolutePath(value) : undefined;
    if (absolute !== undefined && isReadable(absolute)) return absolute;
    this.problem(found, 'the path of a file that can be read');
    return undefined;
  }

  problem({ path, value }: Found, expected: string): void {
    this.problems.push({ path, value, expected });
  }

  pathOf(name: string): string {
    return `${this.#path}.${name}`;
  }

  /** Reports what an option holds, or that it is not there. */
  wrong(name: string, expected: string, { secret = false }: { readonly secret?: boolean } = {}): void {
    const { path, value } = this.named(name) ?? { path: this.pathOf(name), value: undefined };
    this.problems.push({ path, value: secret && value !== undefined ? HIDDEN : value, expected });
  }

  /** An option by its name in snake_case, or the same in camelCase. */
  named(name: string): Found | undefined {
    return this.option(spellings([name]));
  }

  /** A text that must not be empty; a problem where it is missing. */
  text(name: string, expected: string, options: { readonly secret?: boolean } = {}): string {
    const value = this.named(name)?.value;
    if (typeof value === 'string' && value !== '') return value;
    this.wrong(name, expected, options);
    return '';
  }

  /** A text with a default. */
  textOr(name: string, preset: string): string {
    return this.named(name) === undefined ? preset : this.text(name, 'a text that is not empty');
  }

  /** What is configured one level further down; an object. */
  section(name: string): OptionSource {
    const path = this.pathOf(name);
    const value = this.options[name];
    if (isSection(value)) return new OptionSource(value, path, this.#env, this.problems);
    if (value !== undefined && value !== null) {
      this.problems.push({ path, value: HIDDEN, expected: 'an object' });
    }
    return new OptionSource({}, path, this.#env, this.problems);
  }
}

/** Names in snake_case, and the same in camelCase. */
export function spellings(names: readonly string[]): string[] {
  const camel = names.map((name) =>
    name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  );
  return [...new Set([...names, ...camel])];
}

function isSection(value: unknown): value is Options {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
