/**
 * Configured attributes: what the attributes providers of one configuration add to all that one thread records for it.
 *
 * In: resolved providers, and the attributes of a record. Out: both as one set; later providers win over earlier ones, and
 * what was given with the record wins over them all.
 * Invariant: providers are asked in the thread that records, at its first series, once; only dynamic ones are asked again.
 * On failure: attributes of a provider that fails are missing. What a provider itself records while it is asked cannot have
 * its attributes: `merge` throws then, and the record is dropped, counted as `invalid_attributes`.
 */
import type { Attributes } from '@opentelemetry/api';
import type { AttributesProviderConfig } from '../config/signals.ts';
import { Source } from './source.ts';

export class ConfiguredAttributes {
  /** Whether the result of `merge` may differ from one call to the next. */
  readonly isDynamic: boolean;
  readonly #sources: readonly Source[];
  #fixed: Attributes | undefined;
  #isAsking = false;

  constructor(providers: readonly AttributesProviderConfig[], env: Readonly<NodeJS.ProcessEnv>) {
    this.#sources = providers.map((provider) => new Source(provider, env));
    this.isDynamic = this.#sources.some((source) => source.isDynamic);
  }

  /**
   * A new set: the configured attributes, and over them those given.
   * @throws Error where a provider that is being asked records.
   */
  merge(given: Attributes): Attributes {
    return overlaid(this.#fixed ?? this.#ask(), given);
  }

  #ask(): Attributes {
    if (this.#isAsking) throw new Error('an attributes provider records while it is asked');
    this.#isAsking = true;
    try {
      let all: Attributes = {};
      for (const source of this.#sources) all = overlaid(all, source.attributes());
      if (!this.isDynamic) this.#fixed = all;
      return all;
    } finally {
      this.#isAsking = false;
    }
  }
}

/** A new set. An attribute without a value is none, and hides nothing. */
function overlaid(under: Attributes, over: Attributes): Attributes {
  const merged = { ...under, ...over };
  for (const key of Object.keys(merged)) {
    const isNone = merged[key] === undefined || merged[key] === null;
    if (isNone && Object.hasOwn(under, key)) merged[key] = under[key];
  }
  return merged;
}
