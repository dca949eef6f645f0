/** Processes that ask for one mode each, at one address; each records its number. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { GaugeName, init, type MetricsOptions, type TelemetryMode } from '../../../../src/index.ts';
import { readJob, say } from '../../job.ts';

export interface MeetingJob {
  readonly directory: string;
  readonly config: MetricsOptions;
  /** The first is this process's own; the next is its child's. */
  readonly modes: readonly TelemetryMode[];
  readonly number?: number;
}

const job = readJob() as MeetingJob;
const { directory, config, modes, number = 0 } = job;
const [mode, ...rest] = modes;
const telemetry = init({ mode, address: directory });
telemetry.gauge(config, GaugeName.LATENCY)!.record(number);
say({ mode: telemetry.stats().mode });
if (rest.length > 0) {
  const next: MeetingJob = { ...job, modes: rest, number: number + 1 };
  await once(fork(import.meta.filename, [JSON.stringify(next)]), 'exit');
}
