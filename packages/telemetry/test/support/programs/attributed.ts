/** Records one of each kind, says who it is; the main process has a child and a thread that do the same. */
import { fork } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { isMainThread, threadId, Worker, workerData } from 'node:worker_threads';
import { CounterName, GaugeName, init, type MetricsOptions } from '../../../src/index.ts';
import { readJob, say } from '../job.ts';

export interface AttributedJob {
  readonly directory: string;
  readonly config: MetricsOptions;
  /** Set by the program itself. */
  readonly role?: 'child' | 'thread';
}

const file = import.meta.filename;
const job = isMainThread ? (readJob() as AttributedJob) : (workerData as AttributedJob);
const { directory, config, role = 'main' } = job;
const nativeId =
  process.platform === 'linux' ? Number(readlinkSync('/proc/thread-self').split('/')[2]) : undefined;
say({ role, pid: process.pid, threadId, nativeId });

const telemetry = init({ address: directory });
const meter = telemetry.meter(config)!;
telemetry.gauge(config, GaugeName.LATENCY)!.record(1, { role });
telemetry.counter(config, CounterName.REQUEST_SUM)!.add(1, { role });
meter.createHistogram('attributed.histogram').bind({ role }).record(1);
meter.createObservableGauge('attributed.observed').addCallback((result) => result.observe(1, { role }));
telemetry.operations(config, { provider: 'test', attributes: { role } })!.start('list').succeed();

if (role === 'main') {
  // What a child is given it also has in its attributes.
  const env = { ...process.env, ATTRIBUTED_RANK: '1' };
  fork(file, [JSON.stringify({ ...job, role: 'child' } satisfies AttributedJob)], { env });
  void new Worker(file, { workerData: { ...job, role: 'thread' } satisfies AttributedJob });
}
