/**
 * `@multistorageclient/telemetry`: what programs import. Loads `@opentelemetry/api` and nothing else of OpenTelemetry; the
 * SDK and the exporters are loaded in the telemetry server.
 */
export { init, type InitOptions } from './init.ts';
export { TelemetryMode, type Address } from './modes.ts';
export type { Telemetry, TelemetryOptions, TelemetryStats } from './telemetry.ts';
export { TelemetryServer, type TelemetryServerOptions } from './telemetry-server.ts';
export {
  readTreeStatus,
  type TreeConfigurationStatus,
  type TreeStatus,
  type WriterStatus,
} from './server/status.ts';
export type { Account } from './server/account.ts';
export { listTrees } from './tree/trees.ts';
export { CounterName, GaugeName } from './names.ts';
export { TelemetryError, type Problem, type TelemetryErrorCode } from './errors.ts';
export type { MetricsOptions, ResamplingType } from './config/metrics.ts';
export type { ConfigurationSource } from './configured.ts';
export type { TracesOptions } from './config/traces.ts';
export type { Operation, OperationName, Operations, OperationsOptions } from './record/operations.ts';
export type {
  BindableCounter,
  BindableGauge,
  BindableHistogram,
  BindableUpDownCounter,
  BoundCounter,
  BoundGauge,
  BoundHistogram,
} from './record/instruments.ts';
export type { AttributesProvider } from './attributes/provider.ts';
export { VERSION } from './version.ts';
