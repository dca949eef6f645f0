/**
 * The two intervals and timeouts of a reader: collecting and exporting.
 *
 * In: options of `DiperiodicExportingMetricReader` or a configuration's section, and the environment. Out: a frozen config.
 * Invariant: the result is complete: option, else OpenTelemetry's variable (exports only), else the default.
 * On failure: a problem per wrong option, for the caller to throw; a wrong variable counts as not set.
 */
import { fromEnvironment } from '../config/environment.ts';
import { millis } from '../config/scalars.ts';
import { described, object, type Schema } from '../config/schema.ts';
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

const INTERVAL = millis();

/** The keys of a reader's options, as configurations and `DiperiodicExportingMetricReader` take them. */
export const READER_OPTIONS: Schema<ReaderOptions> = object<ReaderOptions>({
  collectIntervalMillis: described(
    INTERVAL,
    'Milliseconds from one collection to the next; for object stores 10 is a good value.',
    FALLBACK.collectIntervalMillis,
  ),
  collectTimeoutMillis: described(
    INTERVAL,
    'Milliseconds that asynchronous callbacks of one collection may take.',
    FALLBACK.collectTimeoutMillis,
  ),
  exportIntervalMillis: described(
    INTERVAL,
    'Milliseconds from one export to the next. Default: OTEL_METRIC_EXPORT_INTERVAL, else 60000.',
    FALLBACK.exportIntervalMillis,
  ),
  exportTimeoutMillis: described(
    INTERVAL,
    'Milliseconds that one export may take. Default: OTEL_METRIC_EXPORT_TIMEOUT, else 30000.',
    FALLBACK.exportTimeoutMillis,
  ),
});

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
  const given =
    READER_OPTIONS.read(options === undefined ? {} : options, { path, section: 'options', problems }) ?? {};
  return Object.freeze({
    collectIntervalMillis: given.collectIntervalMillis ?? FALLBACK.collectIntervalMillis,
    collectTimeoutMillis: given.collectTimeoutMillis ?? FALLBACK.collectTimeoutMillis,
    exportIntervalMillis:
      given.exportIntervalMillis ??
      fromEnvironment(env, 'OTEL_METRIC_EXPORT_INTERVAL', INTERVAL, Number) ??
      FALLBACK.exportIntervalMillis,
    exportTimeoutMillis:
      given.exportTimeoutMillis ??
      fromEnvironment(env, 'OTEL_METRIC_EXPORT_TIMEOUT', INTERVAL, Number) ??
      FALLBACK.exportTimeoutMillis,
  });
}
