/** A main process that stays: in each round it starts a child and a thread, which record, and are killed and terminated. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { init, type MetricsOptions } from '../../../src/index.ts';
import { proceeding } from '../job.ts';

export interface ScrapedJob {
  readonly directory: string;
  readonly config: MetricsOptions;
  readonly rounds: number;
  /** Operations, and calls of `add`, of main and of each child and thread. */
  readonly count: number;
}

const file = import.meta.filename;
const { directory, config, rounds, count } = JSON.parse(process.argv[2]) as ScrapedJob;

function record(): void {
  const telemetry = init({ address: directory });
  const added = telemetry.meterProvider(config)!.getMeter('scraped').createCounter('scraped.added');
  const operations = telemetry.operations(config, { provider: 'file' })!;
  for (let call = 0; call < count; call++) {
    added.add(1);
    operations.start('read').succeed(1024);
  }
  telemetry.flushSync();
}

async function round(): Promise<void> {
  const child = fork(file, [process.argv[2], 'child'], { execArgv: [] });
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const thread = new Worker(file, { argv: process.argv.slice(2) });
  await once(thread, 'message');
  await thread.terminate();
}

if (!isMainThread) {
  record();
  parentPort!.postMessage('recorded', []);
  // It stays until it is terminated.
  setInterval(() => undefined, 1000);
} else if (process.argv[3] === 'child') {
  record();
  process.send!('recorded');
} else {
  record();
  for (let done = 0; done < rounds; done++) await round();
  await proceeding();
}
