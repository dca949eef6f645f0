import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Exemplar, PointBatch } from '../../src/exporters/exporter.ts';
import { encodeProtobuf } from '../../src/exporters/otlp-encode.ts';
import type { InstrumentDefinition } from '../../src/journal/definitions.ts';
import { MAX_POINTS } from '../../src/server/point-memory.ts';
import { RequestBuilder } from '../../src/server/request.ts';
import { SeriesIndex, type ExportedSeries } from '../../src/server/series.ts';
import { unitsOf, type Request } from '../../src/server/signal.ts';
import { splitByResource, splitRequest } from '../../src/server/split.ts';
import { requestOf, seriesOf, valuesOf } from './requests.ts';

const SECONDS = 1_800_000_000;

/** Names of the metrics of a batch, with the values of each series. */
function shapeOf({ metrics }: PointBatch): unknown {
  return metrics.map(({ descriptor, series }) => [
    descriptor.name,
    series.map(({ attributes }) => attributes),
  ]);
}

const gauge = (name: string, scope: string): InstrumentDefinition => ({
  id: 1,
  kind: 'gauge',
  scope: { name: scope },
  name,
  unit: '',
  description: '',
  valueType: 'double',
});

suite('a request', () => {
  test('is full at its number of points', () => {
    const builder = new RequestBuilder();
    const series = seriesOf('gauge');
    for (let point = 0; point < MAX_POINTS; point++) {
      assert.equal(builder.isFull, false);
      builder.add(series, SECONDS, point, point, 'a');
    }
    assert.equal(builder.isFull, true);
    const { batch } = builder.seal();
    assert.equal(batch.points, MAX_POINTS);
    assert.equal(builder.isFull, false);
    assert.equal(builder.isEmpty, true);
  });

  test('is full by its bytes, too, long before a Collector refuses it', () => {
    const builder = new RequestBuilder();
    const series = seriesOf('gauge', { path: 'x'.repeat(10_000) });
    while (!builder.isFull) builder.add(series, SECONDS, 0, 0);
    const { batch } = builder.seal();
    assert.ok(batch.points < MAX_POINTS);
    const { length } = encodeProtobuf(batch);
    assert.ok(length > 1024 * 1024 && length < 16 * 1024 * 1024, `${length} bytes`);
  });

  test('has the points of a series in time order, those of one instant as they came', () => {
    const instant = fc.tuple(fc.integer({ min: SECONDS, max: SECONDS + 2 }), fc.integer({ min: 0, max: 3 }));
    fc.assert(
      fc.property(fc.array(instant, { minLength: 1, maxLength: 50 }), (instants) => {
        const builder = new RequestBuilder();
        for (const [index, [seconds, nanos]] of instants.entries()) {
          builder.add(seriesOf('gauge'), seconds, nanos, index, `journal ${index}`);
        }
        const { batch, owners, journals } = builder.seal();
        const order = [...instants.keys()].toSorted(
          (a, b) => instants[a][0] - instants[b][0] || instants[a][1] - instants[b][1] || a - b,
        );
        assert.deepEqual(valuesOf(batch), order);
        assert.deepEqual(
          [...owners].map((owner) => journals[owner]),
          order.map((index) => `journal ${index}`),
        );
      }),
    );
  });

  test('is grouped by resource, scope and instrument, whoever comes first', () => {
    const index = new SeriesIndex({ attributes: { tree: true } }, () => 'cumulative');
    const all: ExportedSeries[] = [];
    for (const process of ['p1', 'p2']) {
      const resource = { attributes: { process } };
      for (const scope of ['s1', 's2']) {
        for (const name of ['a', 'b', 'multistorageclient.c']) {
          for (const attributes of [{ x: 1 }, { x: 2 }]) {
            all.push(index.series(process, resource, gauge(name, scope), attributes));
          }
        }
      }
    }
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (series) => {
        const builder = new RequestBuilder();
        for (const one of series) builder.add(one, SECONDS, 0, 1);
        const { batch } = builder.seal();
        const groups = batch.metrics.map(({ resource, scope, descriptor }) =>
          JSON.stringify([resource.attributes, scope.name, descriptor.name]),
        );
        assert.equal(new Set(groups).size, groups.length, 'one entry per metric');
        const outer = batch.metrics.map(({ resource, scope }) =>
          JSON.stringify([resource.attributes, scope.name]),
        );
        const changes = outer.filter((group, at) => group !== outer[at - 1]).length;
        assert.equal(changes, new Set(outer).size, 'groups are adjacent');
      }),
      { numRuns: 20 },
    );
  });

  test('of the same points is the same, also from a builder that was used before', () => {
    const fill = (builder: RequestBuilder): PointBatch => {
      for (let point = 0; point < 100; point++) {
        builder.add(seriesOf(`gauge ${point % 3}`, { a: `${point % 2}` }), SECONDS, point, point, 'a');
      }
      return builder.seal().batch;
    };
    const used = new RequestBuilder();
    used.add(seriesOf('other'), SECONDS, 0, 5, 'b');
    used.seal();
    assert.deepEqual(encodeProtobuf(fill(used)), encodeProtobuf(fill(new RequestBuilder())));
  });

  test('is not touched by later ones until it gives its memory back; then that is used again', () => {
    const builder = new RequestBuilder();
    const sealed = (value: number): Request<PointBatch> => {
      for (let point = 0; point < 3; point++) builder.add(seriesOf('gauge'), SECONDS, point, value);
      return builder.seal();
    };
    const [first, second] = [sealed(1), sealed(2)];
    assert.deepEqual([valuesOf(first.batch), valuesOf(second.batch)].flat(), [1, 1, 1, 2, 2, 2]);
    const memory = first.owners.buffer;
    first.release?.();
    const third = sealed(3);
    assert.equal(third.owners.buffer, memory);
    assert.notEqual(sealed(4).owners.buffer, memory);
    assert.deepEqual([valuesOf(second.batch), valuesOf(third.batch)].flat(), [2, 2, 2, 3, 3, 3]);
  });

  test('knows whose units it holds; totals are nobody’s', () => {
    const builder = new RequestBuilder();
    builder.add(seriesOf('gauge'), SECONDS, 0, 1, 'a');
    builder.add(seriesOf('gauge'), SECONDS, 1, 1);
    builder.add(seriesOf('gauge'), SECONDS, 2, 1, 'b');
    builder.add(seriesOf('gauge'), SECONDS, 3, 1, 'a');
    assert.deepEqual(
      [...unitsOf(builder.seal())],
      [
        ['a', 2],
        ['b', 1],
      ],
    );
    builder.add(seriesOf('gauge'), SECONDS, 0, 1, 'c');
    assert.deepEqual([...unitsOf(builder.seal())], [['c', 1]]);
  });
});

suite('a request by resource', () => {
  test('is one for each, in order, with its points and their owners', () => {
    const index = new SeriesIndex({ attributes: {} }, () => 'cumulative');
    const resources = [0, 1, 2].map((process) => ({ attributes: { process } }));
    const builder = new RequestBuilder();
    for (let point = 0; point < 30; point++) {
      const process = `process ${point % 3}`;
      const series = index.series(process, resources[point % 3], gauge(`gauge ${point % 2}`, 's'), {});
      builder.add(series, SECONDS, point, point, point % 5 === 0 ? undefined : process);
    }
    const whole = builder.seal();
    const requests = splitByResource(whole);
    assert.equal(requests.length, 3);
    assert.deepEqual(
      requests.flatMap(({ batch }) => batch.metrics),
      whole.batch.metrics,
    );
    for (const [number, request] of requests.entries()) {
      assert.equal(new Set(request.batch.metrics.map(({ resource }) => resource)).size, 1);
      assert.equal(request.batch.points, 10);
      const owned = [...unitsOf(request)].filter(([, units]) => units > 0);
      assert.deepEqual(owned, [[`process ${number}`, 8]]);
    }
  });

  test('of one resource is itself', () => {
    const whole = requestOf([1, 'a'], [2, 'b']);
    assert.deepEqual(splitByResource(whole), [whole]);
  });
});

suite('a split request', () => {
  test('has each point, and each unit, in one of its halves', () => {
    const point = fc.record({
      series: fc.integer({ min: 0, max: 4 }),
      nanos: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(point, { minLength: 2, maxLength: 60 }), (points) => {
        const builder = new RequestBuilder();
        for (const [index, { series, nanos }] of points.entries()) {
          const owner = index % 3 === 0 ? undefined : `journal ${index % 3}`;
          builder.add(seriesOf(`gauge ${series % 2}`, { a: `${series}` }), SECONDS, nanos, index, owner);
        }
        const whole = builder.seal();
        const [first, second] = splitRequest(whole);
        assert.deepEqual([...valuesOf(first.batch), ...valuesOf(second.batch)], valuesOf(whole.batch));
        assert.equal(first.batch.points, valuesOf(first.batch).length);
        assert.ok(Math.abs(first.batch.points - second.batch.points) <= 1);
        for (const half of [first, second]) {
          const owned = valuesOf(half.batch).filter((index) => index % 3 !== 0);
          const units = [...unitsOf(half).values()].reduce((sum, count) => sum + count, 0);
          assert.equal(units, owned.length);
        }
        assert.deepEqual(shapeOf(splitRequest(whole)[0].batch), shapeOf(first.batch));
      }),
    );
  });

  test('has each exemplar with its point', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(2)), { minLength: 2, maxLength: 40 }), (points) => {
        const builder = new RequestBuilder();
        const exemplarOf = (value: number): Exemplar | undefined =>
          points[value][1] === 0 ? { traceId: `${value}`, spanId: `${value}` } : undefined;
        for (const [value, [nanos, series]] of points.entries()) {
          builder.add(seriesOf(`gauge ${series}`), SECONDS, nanos, value, 'a', exemplarOf(value));
        }
        const whole = builder.seal();
        for (const { batch } of [whole, ...splitRequest(whole)]) {
          for (const { series: all } of batch.metrics) {
            for (const series of all) {
              const found = 'exemplars' in series ? series.exemplars : undefined;
              for (const [at, value] of series.values.entries()) {
                assert.deepEqual(found?.[at], exemplarOf(Number(value)));
              }
            }
          }
        }
        builder.add(seriesOf('gauge 0'), SECONDS, 0, 0, 'a');
        const [metric] = builder.seal().batch.metrics;
        assert.equal(metric.kind === 'gauge' && metric.series[0].exemplars, undefined);
      }),
    );
  });

  test('of two points is one and one', () => {
    const [first, second] = splitRequest(requestOf([1, 'a'], [2, 'b']));
    assert.deepEqual([valuesOf(first.batch), valuesOf(second.batch)], [[1], [2]]);
  });

  test('cuts histograms and start times with their points', () => {
    const index = new SeriesIndex({ attributes: {} }, () => 'delta');
    const boundaries = [1];
    const series = index.series(
      'process',
      { attributes: {} },
      {
        id: 1,
        kind: 'histogram',
        scope: { name: 's' },
        name: 'h',
        unit: '',
        description: '',
        valueType: 'double',
        boundaries,
      },
      {},
    );
    const builder = new RequestBuilder();
    for (let point = 0; point < 3; point++) {
      const value = { count: point, sum: 0, min: 0, max: 0, boundaries, counts: Float64Array.of(point, 0) };
      builder.addHistogram(series, SECONDS + point, 0, value, [SECONDS - 3 + point, 7]);
    }
    const [first, second] = splitRequest(builder.seal());
    const columns = [first, second].map(({ batch: { metrics } }) =>
      metrics.flatMap(({ kind, series: all }) =>
        kind === 'histogram'
          ? all.map(({ seconds, startSeconds, values }) => [
              [...seconds],
              [...(startSeconds ?? [])],
              values.map(({ count }) => count),
            ])
          : [],
      ),
    );
    assert.deepEqual(columns, [
      [[[SECONDS], [SECONDS - 3], [0]]],
      [
        [
          [SECONDS + 1, SECONDS + 2],
          [SECONDS - 2, SECONDS - 1],
          [1, 2],
        ],
      ],
    ]);
  });
});
