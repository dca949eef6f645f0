/** Gives every instrument values that it cannot take, among ones that it can. */
import { init, type MetricsOptions } from '../../../src/index.ts';
import { readJob, say } from '../job.ts';

export interface InvalidValuesJob {
  readonly directory: string;
  readonly config: MetricsOptions;
}

const { directory, config } = readJob() as InvalidValuesJob;
const meter = init({ address: directory }).meter(config)!;
let invalid = 0;
let recorded = 0;

/** Values that are no numbers come from programs without types. */
function give(take: (value: number) => void, valid: readonly number[], others: readonly unknown[]): void {
  for (const value of [...others, ...valid, ...others]) take(value as number);
  invalid += 2 * others.length;
  recorded += 2 * others.length + valid.length;
}

const noNumbers = ['1', null, undefined, {}, 1n, Symbol('one')];
const counter = meter.createCounter('invalid.counter');
give((value) => counter.add(value), [1, 0], [NaN, -1, -Infinity, Infinity, ...noNumbers]);
const bound = counter.bind({ bound: true });
give((value) => bound.add(value), [1], [NaN, -1]);
const upDown = meter.createUpDownCounter('invalid.up_down');
give((value) => upDown.add(value), [2, -1], [NaN, -Infinity, Infinity, ...noNumbers]);
const histogram = meter.createHistogram('invalid.histogram');
give((value) => histogram.record(value), [1], [NaN, -1, Infinity, ...noNumbers]);
const gauge = meter.createGauge('invalid.gauge');
give((value) => gauge.record(value), [-1], noNumbers);
say({ recorded, invalid });
process.exit();
