/**
 * `init`: the telemetry of this thread.
 *
 * In: options, and the environment. Out: one `Telemetry` per tree and thread, whichever copy of this package asks.
 * Invariant: calls that end up in the same tree share one object; the value of a misspelt option is never shown.
 * On failure: a TelemetryError. What is wrong here is found before a tree is joined or started; mode, address and secret
 * are up to `modes.ts`, a second configuration to `Telemetry`.
 */
import path from 'node:path';
import { canonicalJson } from './config/canonical.ts';
import { suggestion } from './config/nearest.ts';
import { isObject } from './config/object.ts';
import type { ConfigurationSource } from './configured.ts';
import { invalid, type Problem } from './errors.ts';
import { survive } from './exit.ts';
import { LocalServer } from './local.ts';
import { joinOrStart, TelemetryMode, type ModeOptions } from './modes.ts';
import { Telemetry, type TelemetryOptions } from './telemetry.ts';

export interface InitOptions extends ModeOptions, TelemetryOptions {
  /**
   * What accessors use that are called without a configuration: the path of an MSC configuration file, or a whole MSC
   * configuration. Read when it is first used. Default: the file that `MSC_CONFIG` names, else the first that exists of the
   * usual places, else OpenTelemetry's variables, else OTLP to localhost:4318; see docs/configuration.md.
   */
  readonly configuration?: ConfigurationSource;
}

/** Shared by all copies of this package in a thread: several copies are one tree and one writer. */
const KEY = Symbol.for('multistorageclient.telemetry.instances');
const shared = globalThis as { [KEY]?: Map<string, Telemetry> };

/**
 * Creates, or returns, the telemetry of this thread. Synchronous and cheap.
 *
 * Without a mode, a tree that is found is joined (environment, else ancestors), and one is started where there is none.
 * Where neither can be had, mode `local` takes over; where no directory can be written, it keeps what is recorded in memory
 * (`stats().isJournaled` is false). Either way one line on stderr says so.
 * The same options give the same object; so does every call without mode and address after the first call. A thread has one
 * configuration: it may come with a later call, as long as none was used before.
 *
 * @throws TelemetryError `MSC_MODE_UNKNOWN`, `MSC_ADDRESS_UNUSABLE`, `MSC_DIRECTORY_UNSAFE`, `MSC_TREE_NOT_FOUND` (mode
 *   client without a tree), `MSC_SECRET_UNUSABLE` (`[host, port]` without a secret), `MSC_CONFIGURATION_INVALID` (any other option,
 *   or another configuration).
 */
export function init(options: InitOptions = {}): Telemetry {
  check(options);
  const telemetry = instanceFor(options);
  const { configuration } = options;
  // A path is taken from where the program works now.
  if (typeof configuration === 'string') telemetry.configure(path.resolve(configuration));
  else if (configuration !== undefined) telemetry.configure(configuration);
  return telemetry;
}

function instanceFor(options: InitOptions): Telemetry {
  const instances = (shared[KEY] ??= new Map<string, Telemetry>());
  const asksForNothing = options.mode === undefined && options.address === undefined;
  const [first] = instances.values();
  if (asksForNothing && first !== undefined) return first;
  const key = canonicalJson([options.mode, options.address]);
  const known = instances.get(key);
  if (known !== undefined) return known;
  const membership = joinOrStart(options, process.env);
  for (const telemetry of instances.values()) {
    if (telemetry.stats().directory !== membership.directory) continue;
    membership.leave();
    return telemetry;
  }
  const isLocal = membership.mode === TelemetryMode.LOCAL;
  const local = isLocal ? new LocalServer(membership, process.env) : undefined;
  const telemetry = new Telemetry(membership, options, local);
  instances.set(key, telemetry);
  survive(telemetry);
  return telemetry;
}

/** Of every option, so that a misspelt one is not taken for its default. */
const KNOWN = {
  mode: true,
  address: true,
  secret: true,
  leaseMillis: true,
  serverPath: true,
  configuration: true,
  flush: true,
  exitTimeoutMillis: true,
  segmentMaxBytes: true,
  memoryMaxBytes: true,
  spillMaxBytes: true,
} satisfies Record<keyof InitOptions, true>;

function check(options: InitOptions): void {
  const problems = unknownOptions(options);
  const { configuration, flush } = options;
  if (
    configuration === '' ||
    (!['string', 'undefined'].includes(typeof configuration) && !isObject(configuration))
  ) {
    const expected = 'the path of a file, or a whole MSC configuration';
    problems.push({ path: 'configuration', value: configuration, expected });
  }
  if (flush !== undefined && flush !== 'turn' && flush !== 'record' && !isMillis(flush, 1)) {
    problems.push({ path: 'flush', value: flush, expected: '"turn", "record", or milliseconds from 1' });
  }
  if (options.exitTimeoutMillis !== undefined && !isMillis(options.exitTimeoutMillis, 0)) {
    const expected = 'milliseconds from 0';
    problems.push({ path: 'exitTimeoutMillis', value: options.exitTimeoutMillis, expected });
  }
  for (const name of ['segmentMaxBytes', 'memoryMaxBytes', 'spillMaxBytes'] as const) {
    const value = options[name];
    const minimum = name === 'segmentMaxBytes' ? 65_536 : 0;
    if (value === undefined || (Number.isSafeInteger(value) && value >= minimum)) continue;
    problems.push({ path: name, value, expected: `a whole number of bytes from ${minimum}` });
  }
  if (problems.length > 0)
    throw invalid('MSC_CONFIGURATION_INVALID', 'telemetry options are invalid', problems);
}

/** As JavaScript may pass them. */
function unknownOptions(options: unknown): Problem[] {
  const names = Object.keys(KNOWN);
  const expected = `options: ${names.join(', ')}`;
  if (!isObject(options)) {
    throw invalid('MSC_CONFIGURATION_INVALID', 'telemetry options are invalid', [
      { path: 'options', value: options, expected: `an object with ${expected}` },
    ]);
  }
  return Object.keys(options)
    .filter((name) => !names.includes(name))
    .map((name) => {
      const rest = `one of the ${expected}${suggestion(name, names)}`;
      // It may be a misspelt secret.
      return { path: name, value: '(hidden)', expected: rest };
    });
}

function isMillis(value: unknown, minimum: number): boolean {
  return typeof value === 'number' && value >= minimum && value < 2 ** 31;
}
