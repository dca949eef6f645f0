/**
 * Source: one configured attributes provider, in one thread.
 *
 * In: its configuration. Out: its attributes, as a copy that nobody else can change.
 * Invariant: asked once, when its attributes are needed first; each time if it is dynamic. Nothing throws.
 * On failure: one line on stderr, the first time; its attributes are missing.
 */
import type { Attributes } from '@opentelemetry/api';
import type { AttributesProviderConfig } from '../config/signals.ts';
import { show } from '../errors.ts';
import { isRecord } from '../exporters/json.ts';
import { decodeAttributes, encodeAttributes } from '../journal/attributes.ts';
import { logError } from '../log.ts';
import { environmentAttributes } from './environment-variables.ts';
import { hostAttributes } from './host.ts';
import { processAttributes } from './process.ts';
import { constructProvider } from './program-class.ts';
import type { AttributesProvider, ProviderOptions } from './provider.ts';
import { staticAttributes } from './static.ts';
import { threadAttributes } from './thread.ts';

type BuiltIn = (options: ProviderOptions, env: Readonly<NodeJS.ProcessEnv>) => Attributes;

const BUILT_IN: ReadonlyMap<string, BuiltIn> = new Map([
  ['static', staticAttributes],
  ['host', hostAttributes],
  ['process', processAttributes],
  ['thread', threadAttributes],
  ['environment_variables', environmentAttributes],
]);

const NONE: Attributes = Object.freeze({});

export class Source {
  readonly isDynamic: boolean = false;
  readonly #type: string;
  #provider: AttributesProvider = { attributes: () => NONE };
  #fixed: Attributes | undefined;
  #hasFailed = false;

  constructor(config: AttributesProviderConfig, env: Readonly<NodeJS.ProcessEnv>) {
    this.#type = config.type;
    const builtIn = BUILT_IN.get(config.type);
    if (builtIn !== undefined) {
      this.#provider = { attributes: () => builtIn(config.options, env) };
      return;
    }
    try {
      this.#provider = constructProvider(config);
      this.isDynamic = this.#provider.isDynamic === true;
    } catch (error) {
      this.#fail(error);
    }
  }

  attributes(): Attributes {
    if (this.isDynamic) return this.#ask();
    this.#fixed ??= this.#ask();
    return this.#fixed;
  }

  #ask(): Attributes {
    try {
      const attributes: unknown = this.#provider.attributes();
      if (!isRecord(attributes) || Array.isArray(attributes) || attributes instanceof Promise) {
        throw new TypeError(`attributes() returned ${show(attributes)}, expected an object with attributes`);
      }
      return copyOf(attributes);
    } catch (error) {
      this.#fail(error);
      return NONE;
    }
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    logError(`attributes provider ${show(this.#type)}: its attributes are missing: ${String(error)}`);
  }
}

/** What has no parts needs no encoding, which would be most of what dynamic attributes cost. */
function copyOf(attributes: Attributes): Attributes {
  const copy = { ...attributes };
  const hasParts = Object.values(copy).some((value) => typeof value === 'object' && value !== null);
  return hasParts ? decodeAttributes(encodeAttributes(copy)) : copy;
}
