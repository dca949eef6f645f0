import type { Attributes } from '@opentelemetry/api';
import { mapped } from './mapped.ts';
import type { ProviderOptions } from './provider.ts';

/** `{attributes: {key: 'pid'}}`: the id of the process that records. */
export function processAttributes(options: ProviderOptions): Attributes {
  return mapped(options, (what) => (what === 'pid' ? process.pid : undefined));
}
