import type { Attributes } from '@opentelemetry/api';
import { mapped } from './mapped.ts';
import type { ProviderOptions } from './provider.ts';

/** `{attributes: {key: value}}`: strings, numbers, booleans, or arrays of them. */
export function staticAttributes(options: ProviderOptions): Attributes {
  return mapped(options, (value) => value);
}
