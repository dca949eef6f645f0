/** Records before and after its child has shut its telemetry down. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { GaugeName, init, type MetricsOptions } from '../../../../src/index.ts';
import { readJob, say } from '../../job.ts';

export interface OwnershipJob {
  readonly directory: string;
  readonly config: MetricsOptions;
  readonly isChild?: boolean;
}

const job = readJob() as OwnershipJob;
const telemetry = init({ address: job.directory });
const gauge = telemetry.gauge(job.config, GaugeName.LATENCY)!;
if (job.isChild === true) {
  gauge.record(2);
  await telemetry.shutdown();
  say({ child: process.pid });
} else {
  gauge.record(1);
  await once(fork(import.meta.filename, [JSON.stringify({ ...job, isChild: true })]), 'exit');
  gauge.record(3);
  await telemetry.forceFlush();
  say({ main: process.pid });
}
