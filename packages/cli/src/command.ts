/**
 * Commands: how each declares its options, and how a command line becomes values.
 *
 * In: a command and its arguments. Out: its values, or its help.
 * On failure: a `UsageError` of one line, which names the argument, what was given and what was expected.
 */
import { parseArgs } from 'node:util';
import { suggestion } from '@multistorageclient/telemetry/config';

export interface Option {
  /** `optional` has a value only where a number follows. */
  readonly type: 'string' | 'boolean' | 'optional';
  /** Stands for the value in the help: `FILE`. */
  readonly value?: string;
  readonly description: string;
}

export interface Invocation {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
  /** Behind `--`; `undefined` where there is no `--`. */
  readonly rest: readonly string[] | undefined;
}

export interface Command {
  readonly name: string;
  /** What follows the name in the help: `[options] -- command args…`. */
  readonly usage: string;
  readonly summary: string;
  readonly details: string;
  readonly options: Readonly<Record<string, Option>>;
  /** Resolves with the exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {}

const HELP: Readonly<Record<string, Option>> = {
  help: { type: 'boolean', description: 'print this' },
};

/** @throws UsageError for an unknown option, a missing value, or a value where there is none. */
export function parseInvocation(command: Command, args: readonly string[]): Invocation {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  const known = { ...command.options, ...HELP };
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { type }]) => [
      name,
      { type: type === 'string' ? type : ('boolean' as const) },
    ]),
  );
  const { values, tokens } = parseArgs({
    args: [...own],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const positionals: string[] = [];
  let taken = -1;
  for (const token of tokens) {
    if (token.kind === 'positional' && token.index !== taken) positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (option === undefined) {
      const names = Object.keys(known).map((key) => `--${key}`);
      const hint = suggestion(rawName, names);
      throw new UsageError(`unknown option ${rawName}, expected ${names.join(', ')}${hint}`);
    }
    if (option.type === 'boolean' && value !== undefined) {
      throw new UsageError(`${rawName}: got ${value}, expected no value`);
    }
    if (option.type === 'optional' && value === undefined && /^[\d.]+$/u.test(own[token.index + 1] ?? '')) {
      taken = token.index + 1;
      values[name] = own[taken];
    }
    if (option.type === 'string' && (value === undefined || (!inlineValue && value.startsWith('-')))) {
      throw new UsageError(`${rawName}: got ${value ?? 'nothing'}, expected ${option.value ?? 'a value'}`);
    }
  }
  return { values, positionals, rest: end < 0 ? undefined : args.slice(end + 1) };
}

export function helpOf({ name, usage, summary, details, options }: Command): string {
  const named = Object.entries({ ...options, ...HELP }).map(([key, { type, value, description }]) => ({
    title: `  --${key}${value === undefined ? '' : type === 'optional' ? ` [${value}]` : ` ${value}`}`,
    description,
  }));
  const width = Math.max(...named.map(({ title }) => title.length)) + 2;
  const lines = named.map(({ title, description }) => title.padEnd(width) + description);
  return [
    `msc-telemetry ${name} ${usage}`,
    '',
    summary,
    '',
    ...lines,
    ...(details === '' ? [] : ['', details]),
  ].join('\n');
}

/** The value of an option that is a text. */
export function textOf({ values }: Invocation, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** @throws UsageError unless it is a number of milliseconds from 0. */
export function millisOf(invocation: Invocation, name: string, otherwise: number): number {
  const text = textOf(invocation, name);
  if (text === undefined) return otherwise;
  const millis = text.trim() === '' ? NaN : Number(text);
  if (millis >= 0 && millis < 2 ** 31) return millis;
  throw new UsageError(`--${name}: got ${text}, expected milliseconds from 0`);
}
