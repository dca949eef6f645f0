import type { Attributes } from '@opentelemetry/api';

/**
 * What a class of the program must be to serve as an attributes provider (`type: 'module#Class'`). It is constructed with
 * the provider's `options`, in every thread that records for the configuration. (Original: attributes providers.)
 */
export interface AttributesProvider {
  /**
   * Attributes that change from record to record: they are asked for at every record, which costs that; `bind` saves
   * nothing then. Looked at once, after construction. Default false: asked once per thread, at its first series.
   */
  readonly isDynamic?: boolean;
  /** Synchronous. Where it throws, one line on stderr says so, its attributes are missing, and recording goes on. */
  attributes(): Attributes;
}

/** The options of a provider, as its configuration holds them. */
export type ProviderOptions = Readonly<Record<string, unknown>>;
