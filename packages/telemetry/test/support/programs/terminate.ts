/** Terminates threads at random moments while they record as fast as they can, and says how far each of them came. */
import { randomInt } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { init, type MetricsOptions } from '../../../src/index.ts';
import { COUNTER, GAUGE } from '../burst.ts';
import { readJob, say } from '../job.ts';

export interface TerminateJob {
  readonly directory: string;
  readonly config: MetricsOptions;
  readonly threads: number;
  /** Values of one thread are from its number times this on. */
  readonly apart: number;
}

interface ThreadData {
  readonly config: MetricsOptions;
  readonly from: number;
  /** Steps that are done: a sample, an increment, and a value that is refused. */
  readonly done: Int32Array;
}

async function main({ directory, config, threads, apart }: TerminateJob): Promise<void> {
  init({ address: directory });
  const all = Array.from({ length: threads }, async (_, index) => {
    const done = new Int32Array(new SharedArrayBuffer(4));
    const from = index * apart;
    const worker = new Worker(import.meta.filename, {
      workerData: { config, from, done } satisfies ThreadData,
    });
    await Atomics.waitAsync(done, 0, 0).value;
    await setTimeout(randomInt(20));
    await worker.terminate();
    return done[0];
  });
  say({ done: await Promise.all(all) });
}

function thread({ config, from, done }: ThreadData): void {
  const meter = init().meter(config)!;
  const gauge = meter.createGauge(GAUGE).bind({});
  const counter = meter.createCounter(COUNTER).bind({});
  const turn = (first: number): void => {
    for (let step = first; step < first + 100; step++) {
      gauge.record(from + step);
      counter.add(1);
      counter.add(-1);
      Atomics.store(done, 0, step + 1);
      Atomics.notify(done, 0);
    }
    setImmediate(turn, first + 100);
  };
  turn(0);
}

if (isMainThread) await main(readJob() as TerminateJob);
else thread(workerData as ThreadData);
