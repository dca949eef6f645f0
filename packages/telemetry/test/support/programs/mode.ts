/** Asks for a mode, says what it got, and records one value; so do its child and its thread, if it is to have them. */
import { fork } from 'node:child_process';
import { isMainThread, threadId, Worker, workerData } from 'node:worker_threads';
import { init, type InitOptions, type MetricsOptions } from '../../../src/index.ts';
import { TREE_GAUGE } from '../burst.ts';
import { readJob, say } from '../job.ts';

export interface ModeJob {
  readonly init: InitOptions;
  readonly config: MetricsOptions;
  readonly value: number;
  /** Descendants, which ask for no mode. */
  readonly descendants?: boolean;
  /** Ends by process.exit() instead of by having nothing to do. */
  readonly exits?: boolean;
}

const job = isMainThread ? (readJob() as ModeJob) : (workerData as ModeJob);
const telemetry = init(job.init);
const { mode, directory } = telemetry.stats();
const isSame = init() === telemetry && init(job.init) === telemetry && init({ ...job.init }) === telemetry;
say({ value: job.value, mode, directory, isSame, pid: process.pid, threadId });
telemetry.meter(job.config)!.createGauge(TREE_GAUGE).record(job.value);

if (job.descendants === true) {
  const child: ModeJob = { init: {}, config: job.config, value: job.value + 1 };
  fork(import.meta.filename, [JSON.stringify(child)]);
  const thread: ModeJob = { ...child, value: job.value + 2 };
  void new Worker(import.meta.filename, { workerData: thread });
}
if (job.exits === true) process.exit();
