/**
 * What a telemetry is configured with: a file or an object that `init` was given, else what is found, else the environment.
 *
 * In: a section that a program passes, or `undefined` for the one of the configuration. Out: a resolved configuration, or
 * `undefined` where the signal is disabled.
 * Invariant: nothing is searched, read or parsed before somebody asks for it, and then once.
 * On failure: throws for a wrong configuration, at every call; a missing or unusable exporter is one line on stderr.
 */
import { canonicalJson } from './config/canonical.ts';
import { defaultSection, isDisabled } from './config/default.ts';
import { configurationOf, loadConfiguration, type LoadedConfiguration } from './config/load.ts';
import type { Surroundings } from './config/attributes.ts';
import { isObject } from './config/object.ts';
import { resolvedFrom, sectionOf, type SignalName } from './config/section.ts';
import { invalid, TelemetryError } from './errors.ts';
import { logError } from './log.ts';

type Environment = Readonly<NodeJS.ProcessEnv>;

/** Path of a file, or a whole MSC configuration. */
export type ConfigurationSource = string | Readonly<Record<string, unknown>>;

/** How a section becomes a configuration. */
export interface SignalResolution<O, C> {
  readonly name: SignalName;
  readonly resolve: (options: O, env: Environment, surroundings: Surroundings) => C;
}

type Loaded = { readonly value: LoadedConfiguration | undefined } | { readonly error: unknown };

export class Configured {
  readonly #env: Environment;
  #source: ConfigurationSource | undefined;
  #loaded: Loaded | undefined;

  constructor(env: Environment) {
    this.#env = env;
  }

  /**
   * Takes the configuration of `init`.
   * @throws TelemetryError `MSC_CONFIGURATION_INVALID` where there is another one already.
   */
  choose(source: ConfigurationSource): void {
    if (this.#source === undefined && this.#loaded === undefined) this.#source = source;
    if (canonicalJson(this.#source ?? null) === canonicalJson(source)) return;
    const expected = 'the configuration that the telemetry of this thread has already';
    const value = typeof source === 'string' ? source : 'another object';
    throw invalid('MSC_CONFIGURATION_INVALID', 'telemetry options are invalid', [
      { path: 'configuration', value, expected },
    ]);
  }

  /** Whether the configuration itself, and not only the environment, says where a signal goes. */
  has(name: SignalName): boolean {
    const loaded = this.#load();
    return loaded !== undefined && sectionOf(loaded, name)?.['exporter'] !== undefined;
  }

  resolve<O, C>({ name, resolve }: SignalResolution<O, C>, options: O | null | undefined): C | undefined {
    if (isDisabled(this.#env)) return undefined;
    const configuration = (): unknown => this.#load()?.configuration;
    const loaded = options === undefined ? this.#load() : undefined;
    const own = loaded === undefined ? undefined : sectionOf(loaded, name);
    const section = options === undefined ? (own ?? defaultSection(name, this.#env)) : (options ?? {});
    if (section === undefined) return undefined;
    // As JavaScript may pass it.
    const { exporter }: { exporter?: unknown } = isObject(section) ? section : {};
    if (exporter === undefined) {
      logError(`no exporter is configured: ${name} are disabled`);
      return undefined;
    }
    const resolved = (): C => resolve(section as O, this.#env, { configuration });
    try {
      return loaded === undefined || own === undefined ? resolved() : resolvedFrom(loaded, name, resolved);
    } catch (error) {
      if (!(error instanceof TelemetryError) || error.code !== 'MSC_EXPORTER_UNUSABLE') throw error;
      logError(`${error.message}: ${name} are disabled`);
      return undefined;
    }
  }

  #load(): LoadedConfiguration | undefined {
    this.#loaded ??= attempt(this.#source, this.#env);
    if ('error' in this.#loaded) throw this.#loaded.error;
    return this.#loaded.value;
  }
}

function attempt(source: ConfigurationSource | undefined, env: Environment): Loaded {
  try {
    const value = typeof source === 'object' ? configurationOf(source, env) : loadConfiguration(source, env);
    return { value };
  } catch (error) {
    return { error };
  }
}
