/** A program that records, and comes to its end in one way or another. At its end it says its stats. */
import { subscribe } from 'node:diagnostics_channel';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { init, type InitOptions, type MetricsOptions } from '../../../src/index.ts';
import { GAUGE } from '../burst.ts';
import { readJob, say } from '../job.ts';

export interface LocalJob {
  readonly init?: InitOptions;
  readonly config: MetricsOptions;
  /** Values 0, 1, … in one turn. */
  readonly count: number;
  /**
   * What it does beside that. `exit-listener`: one more value in an `'exit'` listener. `before-exit`: three more, after
   * work that `'beforeExit'` listeners began. `self`: one more for each answer of the backend. `observe`: an observable
   * gauge of the same name. `exit`: it calls `process.exit()`. `thread`: a worker thread does it all.
   */
  readonly also?: 'exit-listener' | 'before-exit' | 'self' | 'observe' | 'exit' | 'thread';
  /** A second telemetry, in a directory, which records the same under another configuration. */
  readonly beside?: { readonly init: InitOptions; readonly config: MetricsOptions };
}

function run({ init: options, config, count, also, beside }: LocalJob): void {
  const other = beside && init(beside.init).meter(beside.config)?.createGauge(GAUGE);
  const telemetry = init(options);
  const meter = telemetry.meter(config)!;
  const gauge = meter.createGauge(GAUGE);
  let next = 0;
  const record = (): void => gauge.record(next++);
  process.on('exit', () => say({ ...telemetry.stats() }));
  for (let value = 0; value < count; value++) {
    other?.record(value);
    record();
  }
  if (also === 'exit') process.exit();
  if (also === 'exit-listener') process.on('exit', record);
  if (also === 'self') subscribe('http.client.response.finish', record);
  if (also === 'observe') meter.createObservableGauge(GAUGE).addCallback((result) => result.observe(0));
  if (also !== 'before-exit') return;
  process.on('beforeExit', () => {
    if (next < count + 3) setTimeout(record, 1);
  });
}

const job = isMainThread ? (readJob() as LocalJob) : (workerData as LocalJob);
if (isMainThread && job.also === 'thread') {
  new Worker(import.meta.filename, { workerData: job }).on('error', (error) => {
    throw error;
  });
} else run(job);
