/**
 * What a Collector has understood, compared with what was recorded: every point, and all that it says of itself.
 *
 * In: points of the Collector's file. Out: assertions. Nothing here asks the product what it has done.
 */
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { ValueType } from '@opentelemetry/api';
import { CounterName, GaugeName } from '../../src/index.ts';
import { COUNTER, GAUGE, HISTOGRAM } from '../support/burst.ts';
import type { ReceivedPoint } from '../support/otlp-json.ts';
import { BOUNDARIES, OPERATIONS, SCOPE, SERVICE_NAME, VARIETY, type Various } from '../support/variety.ts';

/** What the program that recorded said of itself; times in nanoseconds since the epoch. */
export interface Recording {
  readonly pid: number;
  readonly from: number;
  readonly to: number;
}

/** Clocks of this machine that are read in different ways differ by less. */
const SECOND_NANOS = 1e9;
const KINDS = { gauge: 'gauge', counter: 'sum', up_down_counter: 'sum', histogram: 'histogram' } as const;

/** Fails unless the whole table of variety.ts is there, and only that under its names. */
export function assertVariety(points: readonly ReceivedPoint[], recording: Recording): void {
  const found = VARIETY.map((various) => pointsOf(points, various));
  VARIETY.forEach((various, index) => assertVarious(found[index], various, recording));
  const named = points.filter(({ metric }) => VARIETY.some(({ name }) => name === metric.name));
  assert.equal(
    found.reduce((total, { length }) => total + length, 0),
    named.length,
    'points of other attributes',
  );
}

/** Fails unless all six metrics of the operations are there. */
export function assertOperations(points: readonly ReceivedPoint[]): void {
  const of = (name: string, status?: string): number[] =>
    points
      .filter(({ metric }) => metric.name === name)
      .filter(({ attributes }) => attributes['multistorageclient.status'] === status)
      .map(({ value }) => value!);
  const { succeeded, failed, bytes } = OPERATIONS;
  const error = 'error.RangeError';
  assert.equal(of(GaugeName.LATENCY, 'success').length, succeeded);
  assert.equal(of(GaugeName.LATENCY, error).length, failed);
  assert.deepEqual(of(GaugeName.DATA_SIZE, 'success'), Array(succeeded).fill(bytes));
  assert.equal(of(GaugeName.DATA_RATE, 'success').length, succeeded);
  assert.equal(of(CounterName.RESPONSE_SUM, 'success').at(-1), succeeded);
  assert.equal(of(CounterName.RESPONSE_SUM, error).at(-1), failed);
  assert.equal(of(CounterName.DATA_SIZE_SUM, 'success').at(-1), succeeded * bytes);
  // Totals are sent again where they have not changed.
  assert.deepEqual(new Set(of(CounterName.REQUEST_SUM)), new Set([succeeded, failed]));
}

/** Fails unless a burst with sums, of the values below `count`, is all there; a value may be repeated `repeats` times. */
export function assertBurst(points: readonly ReceivedPoint[], count: number, repeats: number): void {
  const of = (name: string): ReceivedPoint[] => points.filter(({ metric }) => metric.name === name);
  const values = of(GAUGE).map(({ value }) => value!);
  const distinct = new Set(values);
  assert.deepEqual(
    Array.from({ length: count }, (_, value) => value).filter((value) => !distinct.has(value)),
    [],
    'values that are missing',
  );
  assert.equal(distinct.size, count, 'values that nobody recorded');
  assert.ok(values.length - count <= repeats, `${values.length - count} repeats, ${repeats} counted`);
  assert.equal(of(COUNTER).at(-1)?.value, count);
  assert.equal(of(HISTOGRAM).at(-1)?.histogram?.count, count);
}

/** Fails unless the distribution of a burst of values `0` to `count - 1` is there, with each of them in its bucket. */
export function assertDistribution(points: readonly ReceivedPoint[], count: number): void {
  const received = points.filter(({ metric }) => metric.name === GAUGE);
  const [kinds, temporalities] = [
    received.map(({ metric }) => metric.kind),
    received.map(({ metric }) => metric.temporality),
  ];
  assert.deepEqual([...new Set(kinds)], ['exponentialHistogram']);
  assert.deepEqual([...new Set(temporalities)], ['cumulative']);
  const { scale, positive, ...rest } = received.at(-1)!.exponential!;
  const sum = (count * (count - 1)) / 2;
  assert.deepEqual(rest, { count, sum, min: 0, max: count - 1, zeroCount: 1 });
  const expected = new Map<number, number>();
  for (let value = 1; value < count; value++) {
    // A bucket holds its upper end; as all values are whole, rounding can only matter at powers of two, which are exact.
    const bucket = Math.ceil(Math.log2(value) * 2 ** scale) - 1;
    expected.set(bucket, (expected.get(bucket) ?? 0) + 1);
  }
  assert.deepEqual(positive, expected);
}

function pointsOf(points: readonly ReceivedPoint[], { name, attributes }: Various): ReceivedPoint[] {
  return points.filter(
    (point) => point.metric.name === name && isDeepStrictEqual(point.attributes, attributes),
  );
}

function assertVarious(points: readonly ReceivedPoint[], various: Various, recording: Recording): void {
  const { kind, name, unit, description, valueType } = various;
  const isTotal = kind !== 'gauge';
  assert.notEqual(points.length, 0, `no point of ${name} with its attributes`);
  for (const { metric, startTime } of points) {
    const { resource, scope, ...described } = metric;
    const temporality = isTotal ? 'cumulative' : undefined;
    const expected = {
      name,
      unit,
      description,
      kind: KINDS[kind],
      temporality,
      monotonic: kind === 'counter',
    };
    assert.deepEqual(described, expected);
    assert.deepEqual(scope, SCOPE);
    assert.equal(resource['service.name'], SERVICE_NAME);
    const isOfTree = name.startsWith('multistorageclient.');
    assert.equal(resource['process.pid'], isOfTree ? undefined : recording.pid, name);
    assert.equal(startTime !== 0n, isTotal, `start time of ${name}`);
  }
  const times = points.map(({ time }) => time);
  assert.ok(
    times.every((time, index) => index === 0 || times[index - 1] <= time),
    `order of ${name}`,
  );
  assert.ok(Number(times[0]) >= recording.from - SECOND_NANOS, `first time of ${name}`);
  if (!isTotal) assert.ok(Number(times.at(-1)) <= recording.to + SECOND_NANOS, `last time of ${name}`);
  assertValues(points, various);
  if (kind !== 'histogram') {
    const isInt = points.every((point) => point.isInt === (valueType === ValueType.INT));
    assert.ok(isInt, `value type of ${name}`);
  }
}

function assertValues(points: readonly ReceivedPoint[], { kind, name, values }: Various): void {
  const sum = values.reduce((total, value) => total + value, 0);
  const last = points.at(-1)!;
  if (kind === 'gauge') {
    assert.deepEqual(
      points.map(({ value }) => value),
      values,
      name,
    );
  } else if (kind === 'histogram') {
    const counts = [...BOUNDARIES, Infinity].map(
      (upper, index, uppers) =>
        values.filter((value) => value <= upper && (index === 0 || value > uppers[index - 1])).length,
    );
    const [min, max] = [Math.min(...values), Math.max(...values)];
    const expected = { count: values.length, sum, min, max, boundaries: BOUNDARIES, counts };
    assert.deepEqual(last.histogram, expected);
  } else if (kind === 'up_down_counter') {
    const totals = points.map(({ value }) => value);
    assert.ok(totals.includes(sum), `${name} was ${totals.join(', ')}`);
    assert.equal(last.value, 0, 'what a process has added goes with it');
  } else {
    assert.equal(last.value, sum, name);
  }
}
