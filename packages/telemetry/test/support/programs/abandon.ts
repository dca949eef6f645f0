/** A main process that exits while its thread goes on recording. It says how much was recorded before and after. */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { init, type MetricsOptions } from '../../../src/index.ts';
import { GAUGE } from '../burst.ts';
import { readJob, say } from '../job.ts';

export interface AbandonJob {
  readonly directory: string;
  readonly config: MetricsOptions;
}

interface ThreadData {
  readonly config: MetricsOptions;
  /** Samples whose `record` has returned. */
  readonly recorded: Int32Array;
}

async function main({ directory, config }: AbandonJob): Promise<void> {
  init({ address: directory });
  const recorded = new Int32Array(new SharedArrayBuffer(4));
  // Runs behind that of the telemetry, which was there first.
  process.once('exit', () => say({ after: Atomics.load(recorded, 0) }));
  const worker = new Worker(import.meta.filename, { workerData: { config, recorded } satisfies ThreadData });
  worker.on('error', (error) => say({ error: String(error) }));
  for (let seen = 0; seen < 100_000; seen = Atomics.load(recorded, 0)) {
    await Atomics.waitAsync(recorded, 0, seen, 10).value;
  }
  say({ before: Atomics.load(recorded, 0) });
  process.exit();
}

function thread({ config, recorded }: ThreadData): void {
  const gauge = init().meter(config)!.createGauge(GAUGE).bind({});
  const turn = (first: number): void => {
    for (let value = first; value < first + 1000; value++) {
      gauge.record(value);
      Atomics.store(recorded, 0, value + 1);
    }
    setImmediate(turn, first + 1000);
  };
  turn(0);
}

if (isMainThread) await main(readJob() as AbandonJob);
else thread(workerData as ThreadData);
