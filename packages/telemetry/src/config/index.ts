/** `@multistorageclient/telemetry/config`: configuration files, for programs and tools that look at them. */
export { loadConfiguration, type LoadedConfiguration } from './load.ts';
export type { Location } from './merge.ts';
export { suggestion } from './nearest.ts';
