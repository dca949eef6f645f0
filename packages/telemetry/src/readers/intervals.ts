import { diag } from '@opentelemetry/api';
import type { Problem } from '../errors.ts';

/**
 * How often metrics are collected and exported. All are milliseconds in (0, ∞).
 *
 * A key that is left out, or `undefined`, takes its default. Configuration files spell the same keys in snake case
 * (`collect_interval_millis`), which is understood as well.
 */
export interface ReaderOptions {
  /** Milliseconds from one collection to the next. Default 1000; for object stores 10 is a good value. */
  readonly collectIntervalMillis?: number;
  /** Milliseconds that one collection's asynchronous callbacks may take. Default 10000. */
  readonly collectTimeoutMillis?: number;
  /** Milliseconds from one export to the next. Default `OTEL_METRIC_EXPORT_INTERVAL`, else 60000. */
  readonly exportIntervalMillis?: number;
  /** Milliseconds that one export may take. Default `OTEL_METRIC_EXPORT_TIMEOUT`, else 30000. */
  readonly exportTimeoutMillis?: number;
}

/** The resolved and frozen form of `ReaderOptions`. */
export type ReaderConfig = Readonly<Required<ReaderOptions>>;

const FALLBACK: ReaderConfig = Object.freeze({
  collectIntervalMillis: 1000,
  collectTimeoutMillis: 10_000,
  exportIntervalMillis: 60_000,
  exportTimeoutMillis: 30_000,
});

/** Every spelling of every key, and the key it stands for. */
const SPELLINGS: ReadonlyMap<string, keyof ReaderConfig> = new Map([
  ['collectIntervalMillis', 'collectIntervalMillis'],
  ['collect_interval_millis', 'collectIntervalMillis'],
  ['collectTimeoutMillis', 'collectTimeoutMillis'],
  ['collect_timeout_millis', 'collectTimeoutMillis'],
  ['exportIntervalMillis', 'exportIntervalMillis'],
  ['export_interval_millis', 'exportIntervalMillis'],
  ['exportTimeoutMillis', 'exportTimeoutMillis'],
  ['export_timeout_millis', 'exportTimeoutMillis'],
]);

const KNOWN = Object.keys(FALLBACK).join(', ');

/** True for a finite number above zero: what an interval or a timeout may be. */
function isInterval(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value < Infinity;
}

/** An interval from an environment variable; `undefined` where it is unset, empty, or (with a warning) unusable. */
function fromEnvironment(env: Readonly<NodeJS.ProcessEnv>, variable: string): number | undefined {
  const text = env[variable]?.trim();
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (isInterval(value)) return value;
  diag.warn(`${variable}: got ${JSON.stringify(text)}, expected milliseconds in (0, ∞); using the default`);
  return undefined;
}

/**
 * Fills in what `options` leaves open from the environment and the defaults.
 *
 * Nothing is thrown: each wrong or unknown key adds one problem, named under `path` (`''` for none), and the result then
 * holds that key's default. A caller throws when `problems` is not empty, after it has checked everything else.
 */
export function resolveReaderConfig(
  options: unknown,
  env: Readonly<NodeJS.ProcessEnv>,
  path: string,
  problems: Problem[],
): ReaderConfig {
  const given: { -readonly [Key in keyof ReaderConfig]?: number } = {};
  if (options !== undefined && (typeof options !== 'object' || options === null || Array.isArray(options))) {
    problems.push({ path, value: options, expected: `an object with any of ${KNOWN}` });
  } else {
    for (const [key, value] of Object.entries(options ?? {})) {
      if (value === undefined) continue;
      const name = SPELLINGS.get(key);
      let expected: string | undefined;
      if (name === undefined) expected = `one of the keys ${KNOWN}`;
      else if (given[name] !== undefined) expected = `only one spelling of ${name}`;
      else if (isInterval(value)) given[name] = value;
      else expected = 'a number of milliseconds in (0, Infinity)';
      if (expected !== undefined)
        problems.push({ path: path === '' ? key : `${path}.${key}`, value, expected });
    }
  }
  return Object.freeze({
    collectIntervalMillis: given.collectIntervalMillis ?? FALLBACK.collectIntervalMillis,
    collectTimeoutMillis: given.collectTimeoutMillis ?? FALLBACK.collectTimeoutMillis,
    exportIntervalMillis:
      given.exportIntervalMillis ??
      fromEnvironment(env, 'OTEL_METRIC_EXPORT_INTERVAL') ??
      FALLBACK.exportIntervalMillis,
    exportTimeoutMillis:
      given.exportTimeoutMillis ??
      fromEnvironment(env, 'OTEL_METRIC_EXPORT_TIMEOUT') ??
      FALLBACK.exportTimeoutMillis,
  });
}
