/** `@multistorageclient/cli`: what `msc-telemetry` reads and prints with, for programs that want to do the same. */
export { endOfLines, readOtlpLines, type OtlpLine, type OtlpLinesOptions } from './otlp-lines.ts';
export { Summary } from './summary.ts';
export type {
  OperationSummary,
  ProcessSummary,
  SeriesSummary,
  SlowOperation,
  StorageSummary,
  ThreadSummary,
} from './storage-summary.ts';
export type { Distribution } from './samples.ts';
export { paintFor, reportAccount, reportFailures, reportSummary, type Paint } from './report.ts';
export { formatBytes, formatCount, formatRate, formatSeconds, formatTable } from './format.ts';
