import type { Attributes } from '@opentelemetry/api';
import { mapped } from './mapped.ts';
import type { ProviderOptions } from './provider.ts';

/** `{attributes: {key: VARIABLE}}`; variables that are unset are left out. */
export function environmentAttributes(
  options: ProviderOptions,
  env: Readonly<NodeJS.ProcessEnv>,
): Attributes {
  return mapped(options, (name) => (typeof name === 'string' ? env[name] : undefined));
}
