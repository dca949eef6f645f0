/** `@multistorageclient/telemetry/config`: configuration files, for programs and tools that look at them. */
export { describe as describeProblem } from '../errors.ts';
export type { ExporterConfig } from '../exporters/exporter.ts';
export type { ReaderConfig } from '../readers/intervals.ts';
export { checkConfiguration, type CheckedConfiguration } from './check.ts';
export { isDisabled } from './default.ts';
export { loadConfiguration, type LoadedConfiguration } from './load.ts';
export type { Location } from './merge.ts';
export { suggestion } from './nearest.ts';
export { usualPlaces } from './search.ts';
export { sectionOf, type SignalName } from './section.ts';
export type {
  AttributesProviderConfig,
  MetricsConfig,
  PrometheusConfig,
  ResamplingConfig,
  ResamplingPolicy,
  SamplerConfig,
  SpanProcessorConfig,
  TracesConfig,
} from './signals.ts';
