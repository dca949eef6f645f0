import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OtlpExponentialPoint } from '../src/otlp-lines.ts';
import type { OperationSummary } from '../src/storage-summary.ts';
import { Summary } from '../src/summary.ts';
import { exponential, line, point } from './lines.ts';

describe('Summary', () => {
  it('counts by the last point of each series of sums', () => {
    const summary = new Summary();
    summary.add(line({ 'request.sum': [point({ status: '' }, 5)], 'response.sum': [point({}, 3)] }));
    summary.add(line({ 'request.sum': [point({ status: '' }, 9)], 'response.sum': [point({}, 7)] }));
    summary.add(line({ 'data_size.sum': [point({}, 100), point({}, 300)] }));
    const { operations, unfinished } = summary.result(2);
    assert.equal(operations.length, 1);
    const { count, bytes, perSecond, bytesPerSecond, samples } = operations[0];
    assert.deepEqual(
      { count, bytes, perSecond, bytesPerSecond, samples, unfinished },
      {
        count: 7,
        bytes: 300,
        perSecond: 3.5,
        bytesPerSecond: 150,
        samples: 0,
        unfinished: 2,
      },
    );
  });

  it('adds up the series of several trees and of attributes that it does not know', () => {
    const other = point({}, 2);
    const summary = new Summary();
    const attributes = [...(other.attributes ?? []), { key: 'bucket', value: { stringValue: 'b' } }];
    summary.add(line({ 'response.sum': [point({}, 1), { ...other, attributes }] }));
    summary.add(line({ 'response.sum': [point({}, 4)] }, 'another tree'));
    assert.equal(summary.result().operations[0].count, 7);
  });

  it('leaves out what another tree wrote', () => {
    const summary = new Summary('/dev/shm/tree-one');
    const unnamed = {
      resourceMetrics:
        line({ 'response.sum': [point({}, 8)] }).resourceMetrics?.map((part) => ({
          ...part,
          resource: {},
        })) ?? [],
    };
    summary.add(line({ 'response.sum': [point({}, 1)], latency: [point({}, 1)] }, 'one'));
    summary.add(line({ 'response.sum': [point({}, 4)], latency: [point({}, 4)] }, 'two'));
    summary.add(unnamed);
    const [{ count, samples }] = summary.result().operations;
    assert.deepEqual([count, samples], [1, 1]);
  });

  it('gives percentiles of exponential histograms by the middle of their buckets', () => {
    const { attributes = [] } = point({}, 0);
    // (1, 2], (2, 4] and (8, 16], the middles of which are √2, √8 and √128.
    const buckets = (...bucketCounts: number[]): OtlpExponentialPoint => ({
      attributes,
      startTimeUnixNano: '1000000000',
      timeUnixNano: '3000000000',
      sum: 50,
      max: 9,
      scale: 0,
      zeroCount: '1',
      positive: { offset: 0, bucketCounts: bucketCounts.map(String) },
    });
    const result = (temporality: number): OperationSummary => {
      const summary = new Summary();
      for (const [at, of] of [buckets(1), buckets(49, 45, 0, 5)].entries()) {
        const timed = { ...of, timeUnixNano: `${at + 2}000000000` };
        const histogram = { aggregationTemporality: temporality, dataPoints: [timed] };
        summary.add(exponential('multistorageclient.latency', histogram));
      }
      return summary.result().operations[0];
    };
    const cumulative = result(2);
    assert.equal(cumulative.samples, 100, 'the last one holds all');
    const { p50, p90, p99, max, sum } = cumulative.latencySeconds;
    assert.deepEqual([p50, p90, p99, max, sum], [2 ** 0.5, 2 ** 1.5, 9, 9, 50]);
    assert.equal(cumulative.perSecond, 0);
    const deltas = result(1);
    assert.deepEqual([deltas.samples, deltas.latencySeconds.sum], [102, 100]);
  });

  it('takes raw samples and histograms of one series together', () => {
    const { attributes = [] } = point({}, 0);
    const of = {
      attributes,
      timeUnixNano: '1',
      sum: 6,
      max: 3,
      positive: { offset: 1, bucketCounts: ['2'] },
    };
    const summary = new Summary();
    summary.add(line({ latency: [point({}, 1), point({}, 20)] }));
    summary.add(exponential('multistorageclient.latency', { aggregationTemporality: 2, dataPoints: [of] }));
    const [{ samples, latencySeconds }] = summary.result().operations;
    const { p50, p90, max, sum } = latencySeconds;
    assert.deepEqual([samples, p50, p90, max, sum], [4, 2 ** 1.5, 20, 20, 27]);
  });

  it('gives percentiles that are samples, by the nearest rank', () => {
    const summary = new Summary();
    const shuffled = Array.from({ length: 1000 }, (_, i) => ((i * 7919) % 1000) + 1);
    for (const millis of shuffled) summary.add(line({ latency: [point({}, millis / 1000)] }));
    summary.add(line({ latency: [point({ status: 'error.ENOENT' }, 5)] }));
    const [success, error] = summary.result().operations;
    const { p50, p90, p99, max, sum } = success.latencySeconds;
    assert.deepEqual([p50, p90, p99, max], [0.5, 0.9, 0.99, 1]);
    assert.ok(Math.abs(sum - 500.5) < 1e-9);
    assert.equal(success.samples, 1000);
    assert.deepEqual(error.latencySeconds, { p50: 5, p90: 5, p99: 5, max: 5, sum: 5 });
    assert.equal(error.status, 'error.ENOENT');
  });

  it('sorts operations by kind, successes first, and processes by pid', () => {
    const summary = new Summary();
    const of = [
      { operation: 'read', status: 'error.ENOENT', pid: 20 },
      { operation: 'read', status: 'success', pid: 3 },
      { operation: 'delete', status: 'success', pid: 20 },
      { operation: 'read', status: 'error.EACCES', pid: 3 },
    ];
    summary.add(line({ 'response.sum': of.map((one) => point(one, 1)) }));
    const { operations, processes } = summary.result();
    assert.deepEqual(
      operations.map(({ operation, status }) => `${operation} ${status}`),
      ['delete success', 'read success', 'read error.EACCES', 'read error.ENOENT'],
    );
    assert.deepEqual(
      processes.map(({ pid, count, errors }) => [pid, count, errors]),
      [
        [3, 2, 1],
        [20, 2, 1],
      ],
    );
  });

  it('tells threads apart where a process has more than one', () => {
    const summary = new Summary();
    const of = [
      { pid: 1, threadId: 2 },
      { pid: 1, threadId: 0 },
      { pid: 2, threadId: 0 },
    ];
    summary.add(
      line({
        latency: of.map((one, index) => point(one, index + 1)),
        'response.sum': of.map((one) => point(one, 1)),
      }),
    );
    const { processes } = summary.result();
    const threads = processes[0].threads?.map(({ threadId, latencySeconds }) => [
      threadId,
      latencySeconds.max,
    ]);
    assert.deepEqual(threads, [
      [0, 2],
      [2, 1],
    ]);
    assert.equal(processes[0].latencySeconds.max, 2);
    assert.equal(processes[1].threads, undefined);
    assert.deepEqual(
      summary.series().map(({ pid, threadId, count, samples }) => [pid, threadId, count, samples]),
      [
        [1, 0, 1, 1],
        [1, 2, 1, 1],
        [2, 0, 1, 1],
      ],
    );
  });

  it('finds the five slowest, and when they began', () => {
    const summary = new Summary();
    const seconds = [0.25, 4, 0.5, 2, 8, 1, 0.125];
    for (const [index, latency] of seconds.entries()) {
      summary.add(line({ latency: [point({ pid: 7, threadId: index }, latency, 1000 + index)] }));
    }
    const { slowest, wallSeconds, storageSeconds } = summary.result();
    assert.deepEqual(
      slowest.map(({ latencySeconds, threadId, startSeconds }) => [latencySeconds, threadId, startSeconds]),
      [
        [8, 4, 0],
        [4, 1, 1],
        [2, 3, 5],
        [1, 5, 8],
        [0.5, 2, 5.5],
      ],
    );
    assert.deepEqual([wallSeconds, storageSeconds], [10, 15.875]);
  });

  it('passes over what is not about operations', () => {
    const summary = new Summary();
    summary.add({});
    summary.add({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'other' }, {}] }] }] });
    summary.add(line({ data_size: [point({}, 1)], data_rate: [point({}, 1)] }));
    const { operations, processes, slowest, unfinished } = summary.result();
    assert.deepEqual(
      { operations, processes, slowest, unfinished },
      {
        operations: [],
        processes: [],
        slowest: [],
        unfinished: 0,
      },
    );
  });
});
