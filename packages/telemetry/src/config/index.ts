/** `@multistorageclient/telemetry/config`: configuration files, for programs and tools that look at them. */
export { suggestion } from './nearest.ts';
