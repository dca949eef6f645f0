/** Records with what is configured, without a configuration of its own. */
import { hostname } from 'node:os';
import { GaugeName, init } from '../../../src/index.ts';
import { readJob, say } from '../job.ts';

export interface ConfiguredJob {
  readonly directory: string;
  /** For `init`; without it, what is found. */
  readonly configuration?: string | Readonly<Record<string, unknown>>;
}

const { directory, configuration } = readJob() as ConfiguredJob;
const telemetry = init({ address: directory, ...(configuration === undefined ? {} : { configuration }) });
for (let i = 0; i < 10; i++) telemetry.gauge(undefined, GaugeName.LATENCY)!.record(i);
say({ host: hostname(), pid: process.pid, isSame: telemetry.meter() === telemetry.meter(undefined) });
