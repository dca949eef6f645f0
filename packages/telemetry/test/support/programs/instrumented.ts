/**
 * A process with an instrumentation package of OpenTelemetry, which knows nothing but the global MeterProvider. The main
 * process starts another one of its kind.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { metrics } from '@opentelemetry/api';
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';
import { init, type MetricsOptions } from '../../../src/index.ts';
import { proceeding, readJob, say } from '../job.ts';

export interface InstrumentedJob {
  readonly config: MetricsOptions;
  /** Given to the main process only. */
  readonly directory?: string;
}

const { config, directory } = readJob() as InstrumentedJob;
const telemetry = directory === undefined ? init() : init({ address: directory });
metrics.setGlobalMeterProvider(telemetry.meterProvider(config)!);
const instrumentation = new RuntimeNodeInstrumentation({ monitoringPrecision: 10 });
// As `registerInstrumentations` does.
instrumentation.setMeterProvider(metrics.getMeterProvider());
say({ instrumented: process.pid });

let garbage: number[][] = [];
const litter = setInterval(() => {
  garbage = Array.from({ length: 2000 }, () => [Math.random()]);
}, 5);

if (directory === undefined) {
  await once(process, 'message');
} else {
  const child = fork(import.meta.filename, [JSON.stringify({ config } satisfies InstrumentedJob)]);
  await proceeding();
  child.send('proceed');
  await once(child, 'exit');
}
clearInterval(litter);
instrumentation.disable();
say({ garbage: garbage.length });
process.exit();
