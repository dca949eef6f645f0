import { hostname } from 'node:os';
import type { Attributes } from '@opentelemetry/api';
import { mapped } from './mapped.ts';
import type { ProviderOptions } from './provider.ts';

/** `{attributes: {key: 'name'}}`: the name of the host. */
export function hostAttributes(options: ProviderOptions): Attributes {
  return mapped(options, (what) => (what === 'name' ? hostname() : undefined));
}
