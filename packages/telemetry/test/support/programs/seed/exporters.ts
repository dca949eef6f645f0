/** Records one value for each configuration that can export, and says which cannot. */
import { GaugeName, init, type MetricsOptions } from '../../../../src/index.ts';
import { readJob, say } from '../../job.ts';

export interface ExportersJob {
  readonly directory: string;
  readonly configs: readonly MetricsOptions[];
}

const { directory, configs } = readJob() as ExportersJob;
const telemetry = init({ address: directory });
for (const [value, config] of configs.entries()) {
  // Twice: an error is said once.
  const gauge = telemetry.gauge(config, GaugeName.LATENCY) ?? telemetry.gauge(config, GaugeName.DATA_SIZE);
  say({ value, isDisabled: gauge === undefined });
  gauge?.record(value);
}
