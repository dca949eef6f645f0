/**
 * Records attribute sets that never come back, with every kind of instrument, and says what it came to and what memory
 * that took.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { init, type MetricsOptions } from '../../../src/index.ts';
import { NAMES } from '../explosion.ts';
import { readJob, say } from '../job.ts';

interface Explosion {
  readonly directory: string;
  readonly config: MetricsOptions;
  /** Sets `from` to `from + sets - 1`, each recorded once. */
  readonly from: number;
  readonly sets: number;
  /** Where the next process begins, for each that is started. */
  readonly children?: readonly number[];
}

const SETS_PER_TURN = 1000;

const job = readJob() as Explosion;
const children = (job.children ?? []).map((from) =>
  fork(import.meta.filename, [JSON.stringify({ ...job, from, children: [] })]),
);
const ends = Promise.all(children.map((child) => once(child, 'exit')));
const telemetry = init({ address: job.directory });
const meter = telemetry.meter(job.config)!;
const gauge = meter.createGauge(NAMES.gauge);
const counter = meter.createCounter(NAMES.counter);
const histogram = meter.createHistogram(NAMES.histogram);
meter.createObservableCounter(NAMES.observed).addCallback((result) => {
  for (let set = 0; set < 100; set++) result.observe(7, { set: job.from + set });
});
const operations = telemetry.operations(job.config, { provider: 'test' })!;
const path = 'x'.repeat(200);
let warmedBytes = 0;
for (let set = job.from; set < job.from + job.sets; set++) {
  const attributes = { set, path: `${path}/${set}` };
  gauge.record(set, attributes);
  counter.add(3, attributes);
  histogram.record(1, attributes);
  operations.start('read').fail(Object.assign(new Error('explosion'), { name: `Error${set}` }));
  if ((set - job.from) % SETS_PER_TURN !== SETS_PER_TURN - 1) continue;
  await new Promise(setImmediate);
  // What the first ones took is theirs for ever; the others must not add to it.
  if (set - job.from === 5 * SETS_PER_TURN - 1) warmedBytes = heapBytes();
}
const grownBytes = heapBytes() - warmedBytes;
await ends;
const { recorded, overflowed } = telemetry.stats();
say({ recorded, overflowed, grownBytes });

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
