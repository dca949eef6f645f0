/** Asks several times for what has no usable exporter, and says what it got. */
import { CounterName, GaugeName, init, type MetricsOptions } from '../../../src/index.ts';
import { readJob, say } from '../job.ts';

export interface UnusableExportersJob {
  readonly directory: string;
  readonly configs: readonly MetricsOptions[];
}

const { directory, configs } = readJob() as UnusableExportersJob;
const telemetry = init({ address: directory });
for (const config of configs) {
  const got = [
    telemetry.meterProvider(config),
    telemetry.meter(config),
    telemetry.gauge(config, GaugeName.LATENCY),
    telemetry.counter(config, CounterName.REQUEST_SUM),
    telemetry.operations(config, { provider: 'file' }),
  ];
  say({ config, nothing: got.every((each) => each === undefined) });
}
