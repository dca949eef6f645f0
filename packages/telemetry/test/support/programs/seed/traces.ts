/** Makes spans for each configuration: one inside the other, over an await, in this process and in its child. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { init, type TracesOptions } from '../../../../src/index.ts';
import { readJob } from '../../job.ts';

export interface TracesJob {
  readonly directory: string;
  readonly configs: readonly TracesOptions[];
  readonly hasChild?: boolean;
}

const job = readJob() as TracesJob;
const telemetry = init({ address: job.directory });
for (const config of job.configs) {
  const tracer = telemetry.tracer(config)!;
  await tracer.startActiveSpan('outer', async (outer) => {
    await setTimeout(1);
    tracer.startActiveSpan('inner', (inner) => inner.end());
    outer.end();
  });
}
if (job.hasChild === true) {
  const child: TracesJob = { ...job, hasChild: false };
  await once(fork(import.meta.filename, [JSON.stringify(child)]), 'exit');
}
