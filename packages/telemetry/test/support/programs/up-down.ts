/** A main process that lives on while the threads that it has started end, each in its own way. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { init, type MetricsOptions } from '../../../src/index.ts';
import { TREE_UP_DOWN, UP_DOWN } from '../burst.ts';
import { proceeding, readJob, say } from '../job.ts';

export interface UpDownJob {
  readonly directory: string;
  readonly config: MetricsOptions;
  /** What main itself adds. */
  readonly own: number;
  /** What each thread adds; those with `stays` live as long as main does. */
  readonly threads: readonly { readonly adds: number; readonly end: 'terminate' | 'exit' | 'stays' }[];
}

type ThreadData = Pick<UpDownJob, 'config'> & UpDownJob['threads'][number];

function add(config: MetricsOptions, value: number): void {
  const meter = init().meter(config)!;
  for (const name of [UP_DOWN, TREE_UP_DOWN]) meter.createUpDownCounter(name).add(value, { of: 'all' });
}

if (isMainThread) {
  const { directory, config, own, threads } = readJob() as UpDownJob;
  init({ address: directory });
  add(config, own);
  const stdin = proceeding();
  const workers = threads.map((thread) => {
    const worker = new Worker(import.meta.filename, {
      workerData: { config, ...thread } satisfies ThreadData,
    });
    return { worker, end: thread.end };
  });
  await Promise.all(workers.map(({ worker }) => once(worker, 'message')));
  say({ risen: true });
  await stdin;
  for (const { worker, end } of workers) {
    if (end === 'terminate') void worker.terminate();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- this is no window
    else if (end === 'exit') worker.postMessage('exit');
  }
} else {
  const { config, adds } = workerData as ThreadData;
  add(config, adds);
  parentPort!.once('message', () => process.exit());
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- this is no window
  setImmediate(() => parentPort!.postMessage('added'));
}
