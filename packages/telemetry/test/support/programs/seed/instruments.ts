/** Records the values of a job with the gauges and counters of the original; its child does the same. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { CounterName, GaugeName, init, type MetricsOptions } from '../../../../src/index.ts';
import { readJob } from '../../job.ts';

export interface InstrumentsJob {
  readonly directory: string;
  readonly configs: readonly MetricsOptions[];
  /** Each is recorded with every gauge and added to every counter, all in one turn. */
  readonly values: readonly number[];
  readonly hasChild?: boolean;
  /** Ends by `process.exit()` in the turn of the last value. */
  readonly exits?: boolean;
}

const job = readJob() as InstrumentsJob;
const telemetry = init({ address: job.directory });
if (job.hasChild === true) {
  const child: InstrumentsJob = { ...job, hasChild: false };
  await once(fork(import.meta.filename, [JSON.stringify(child)]), 'exit');
}
for (const config of job.configs) {
  for (const value of job.values) {
    for (const name of Object.values(GaugeName)) telemetry.gauge(config, name)!.record(value);
    for (const name of Object.values(CounterName)) telemetry.counter(config, name)!.add(value);
  }
}
if (job.exits === true) process.exit();
