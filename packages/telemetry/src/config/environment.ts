import { diag } from '@opentelemetry/api';
import type { Schema } from './schema.ts';

/**
 * What one of OpenTelemetry's environment variables says. `undefined` where it is unset, empty, or (with a warning)
 * unusable: the specification has a wrong variable ignored.
 */
export function fromEnvironment<T>(
  env: Readonly<NodeJS.ProcessEnv>,
  variable: string,
  schema: Schema<T>,
  parse: (text: string) => unknown = (text) => text.toLowerCase(),
): T | undefined {
  const text = env[variable]?.trim();
  if (text === undefined || text === '') return undefined;
  const value = schema.read(parse(text), { path: variable, section: variable, problems: [] });
  if (value === undefined)
    diag.warn(`${variable}: got ${JSON.stringify(text)}, expected ${schema.expected}; using the default`);
  return value;
}
