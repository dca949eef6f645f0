import type { Attributes } from '@opentelemetry/api';
import { isRecord } from '../exporters/json.ts';
import type { ProviderOptions } from './provider.ts';

/** The attributes of `{attributes: {key: what}}`; what has no value is left out. */
export function mapped({ attributes }: ProviderOptions, valueOf: (what: unknown) => unknown): Attributes {
  const found: Attributes = Object.create(null);
  for (const [key, what] of Object.entries(isRecord(attributes) ? attributes : {})) {
    const value = valueOf(what);
    if (value !== undefined) found[key] = value;
  }
  return found;
}
