/**
 * Burst: what the programs of these tests record.
 *
 * In: how many, from which value on, in which turns. Out: raw samples with values of their own, and sums beside them.
 * Invariant: how much was recorded is said after each turn, by the program itself; the product is not asked.
 */
import type { Counter, Histogram } from '@opentelemetry/api';
import { type BoundGauge, init, type InitOptions, type MetricsOptions } from '../../src/index.ts';
import { say } from './job.ts';

/** A gauge of its process. */
export const GAUGE = 'guarantee.value';
/** By their names, these belong to the tree. */
export const TREE_GAUGE = 'multistorageclient.guarantee.value';
export const COUNTER = 'multistorageclient.guarantee.count';
export const UP_DOWN = 'guarantee.level';
export const TREE_UP_DOWN = 'multistorageclient.guarantee.level';
export const HISTOGRAM = 'multistorageclient.guarantee.distribution';

export interface Burst {
  readonly init?: InitOptions;
  readonly configs: readonly MetricsOptions[];
  /** Default `GAUGE`. */
  readonly gauge?: string;
  /** Values `from`, `from + 1`, … are recorded; default 0. */
  readonly from?: number;
  readonly count: number;
  /** Samples of one turn of the event loop. Default: all of them. */
  readonly perTurn?: number;
  /** From one turn to the next. Default: the next turn comes at once. */
  readonly pauseMillis?: number;
  /** From one sample to the next, at least; waited for busily. */
  readonly apartNanos?: number;
  /** Attribute sets: a sample has the attribute `set`, its value modulo this. Default 1. */
  readonly sets?: number;
  /** Whether each sample is also one `add(1)` and one value of a histogram. */
  readonly sums?: boolean;
}

interface Instruments {
  readonly gauges: readonly BoundGauge[];
  readonly counter: Counter;
  readonly histogram: Histogram;
}

/** Records a whole burst. `onLast` is called in the turn of the last sample, right behind it. */
export function record(burst: Burst, onLast: () => void): void {
  const telemetry = init(burst.init);
  const instruments = burst.configs.map((config) => {
    const meter = telemetry.meter(config)!;
    const gauge = meter.createGauge(burst.gauge ?? GAUGE);
    const gauges = Array.from({ length: burst.sets ?? 1 }, (_, set) => gauge.bind({ set }));
    return { gauges, counter: meter.createCounter(COUNTER), histogram: meter.createHistogram(HISTOGRAM) };
  });
  const { from = 0, count, perTurn = count, pauseMillis } = burst;
  const { mode, directory } = telemetry.stats();
  const startedAtMillis = Date.now();
  say({ recording: from, pid: process.pid, mode, directory });
  const end = from + count;
  const turn = (first: number): void => {
    const turnedAtMillis = Date.now();
    const last = Math.min(end, first + perTurn);
    for (const each of instruments) recordValues(each, first, last, burst);
    say({ recorded: last - from, from, startedAtMillis, turnedAtMillis, endedAtMillis: Date.now() });
    if (last === end) onLast();
    else if (pauseMillis === undefined) setImmediate(turn, last);
    else setTimeout(turn, pauseMillis, last);
  };
  turn(from);
}

function recordValues(
  { gauges, counter, histogram }: Instruments,
  first: number,
  last: number,
  { apartNanos, sums }: Burst,
): void {
  for (let value = first; value < last; value++) {
    if (apartNanos !== undefined) waitBusily(apartNanos);
    gauges[value % gauges.length].record(value);
    if (sums !== true) continue;
    counter.add(1);
    histogram.record(value % 10);
  }
}

function waitBusily(nanos: number): void {
  const [seconds, start] = process.hrtime();
  for (;;) {
    const now = process.hrtime();
    if ((now[0] - seconds) * 1e9 + now[1] - start >= nanos) return;
  }
}
