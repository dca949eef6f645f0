/** One operation of the telemetry's own configuration, without a tracer named. */
import { init } from '../../../src/index.ts';
import { readJob } from '../job.ts';

export interface OperationsJob {
  readonly directory: string;
  readonly configuration: Readonly<Record<string, unknown>>;
}

const { directory, configuration } = readJob() as OperationsJob;
const telemetry = init({ address: directory, configuration });
telemetry.operations(undefined, { provider: 'file' })!.start('read').succeed(1);
