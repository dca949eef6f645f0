import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  BASE_BYTES,
  histogramRowBytes,
  operationsBytes,
  readBase,
  samplesBytes,
  sumsBytes,
  viewHistograms,
  viewOperations,
  viewSamples,
  viewSums,
} from '../../src/journal/columns.ts';
import { scanFrame, type Frame } from '../../src/journal/frame.ts';
import { Batch } from '../../src/record/batch.ts';
import { Composed } from '../../src/record/composed.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
/** Every kind of double, those included that are easily lost on the way. */
const f64 = fc.oneof(
  fc.double(),
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 0, Number.MIN_VALUE, -Number.MIN_VALUE, 2 ** -1022),
  fc.constantFrom(2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, -(2 ** 53) - 2, Number.MAX_VALUE),
);
const base = fc.tuple(u32, u32, u32, u32);

/** All frames that a batch is composed to. */
function frames(batch: Batch, sequence = 1): Frame[] {
  const composed = new Composed();
  composed.compose(batch, sequence);
  const { bytes, length, nextSequence } = composed;
  const view = new DataView(bytes.buffer);
  const found: Frame[] = [];
  for (let at = 0; at < length;) {
    const scanned = scanFrame(bytes, view, at, length);
    assert.equal(scanned.status, 'frame');
    const { frame, next } = scanned as { frame: Frame; next: number };
    found.push(frame);
    at = next;
  }
  assert.equal(nextSequence, sequence + found.length);
  return found;
}

/** A frame of one's own, that nobody has proven. */
function unproven(payload: Uint8Array, rows: number): Frame {
  return { type: 4, version: 1, flags: 0, sequence: 1, rows, units: rows, payload };
}

describe('columns come back as they were written:', () => {
  test('samples', () => {
    const row = fc.record({ delta: f64, value: f64, series: u32 });
    fc.assert(
      fc.property(base, fc.array(row, { minLength: 1, maxLength: 70 }), (instant, rows) => {
        const batch = new Batch();
        batch.begin(...instant);
        for (const [index, { delta, value, series }] of rows.entries()) {
          batch.sampleDeltas[index] = delta;
          batch.sampleValues[index] = value;
          batch.sampleSeries[index] = series;
        }
        batch.samples = rows.length;
        const [samples] = frames(batch);
        const view = viewSamples(samples);
        assert.deepEqual(
          view && [...view.deltas],
          rows.map(({ delta }) => delta),
        );
        assert.deepEqual(
          view && [...view.values],
          rows.map(({ value }) => value),
        );
        assert.deepEqual(
          view && [...view.series],
          rows.map(({ series }) => series),
        );
        const { seconds, nanos, monotonicSeconds, monotonicNanos } = readBase(samples);
        assert.deepEqual([seconds, nanos, monotonicSeconds, monotonicNanos], instant);
        assert.deepEqual([samples.rows, samples.units], [rows.length, rows.length]);
      }),
    );
  });

  test('sums', () => {
    const row = fc.record({ value: f64, series: u32, calls: fc.nat(1000) });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 70 }), (rows) => {
        const batch = new Batch();
        for (const [index, { value, series, calls }] of rows.entries()) {
          batch.sumValues[index] = value;
          batch.sumSeries[index] = series;
          batch.sumCalls[index] = calls;
        }
        batch.sums = rows.length;
        const [sums] = frames(batch);
        const view = viewSums(sums);
        assert.deepEqual(
          view && [...view.values],
          rows.map(({ value }) => value),
        );
        assert.deepEqual(
          view && [...view.series],
          rows.map(({ series }) => series),
        );
        assert.deepEqual(
          view && [...view.calls],
          rows.map(({ calls }) => calls),
        );
        assert.equal(
          sums.units,
          rows.reduce((units, { calls }) => units + calls, 0),
        );
      }),
    );
  });

  test('operations', () => {
    const row = fc.record({ delta: f64, latency: f64, bytes: f64, series: u32 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 70 }), (rows) => {
        const batch = new Batch();
        for (const [index, { delta, latency, bytes, series }] of rows.entries()) {
          batch.operationDeltas[index] = delta;
          batch.operationLatencies[index] = latency;
          batch.operationBytes[index] = bytes;
          batch.operationSeries[index] = series;
        }
        batch.operations = rows.length;
        const [operations] = frames(batch);
        const view = viewOperations(operations);
        assert.deepEqual(
          view && [...view.deltas],
          rows.map(({ delta }) => delta),
        );
        assert.deepEqual(
          view && [...view.latencyNanos],
          rows.map(({ latency }) => latency),
        );
        assert.deepEqual(
          view && [...view.bytes],
          rows.map(({ bytes }) => bytes),
        );
        assert.deepEqual(
          view && [...view.series],
          rows.map(({ series }) => series),
        );
      }),
    );
  });

  test('histograms, each with buckets of its own', () => {
    const row = fc.record({
      series: u32,
      head: fc.tuple(fc.nat(1000), f64, f64, f64),
      counts: fc.array(f64, { minLength: 1 }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 10 }), (rows) => {
        const batch = new Batch();
        for (const { series, head, counts } of rows) {
          const boundaries = new Float64Array(counts.length - 1);
          const histogram = { id: series, boundaries, row: 0, epoch: 0 };
          batch.addHistogram(histogram);
          batch.histogramNumbers.set([...head, ...counts], histogram.row + 1);
        }
        const [histograms] = frames(batch);
        const found = viewHistograms(histograms)?.map(({ series, count, sum, min, max, counts }) => ({
          series,
          head: [count, sum, min, max],
          counts: [...counts],
        }));
        assert.deepEqual(
          found,
          rows.map((each) => ({ ...each })),
        );
        assert.equal(
          histograms.units,
          rows.reduce((units, { head }) => units + head[0], 0),
        );
      }),
    );
  });
});

describe('a payload that is not the size of its rows', () => {
  const views = {
    samples: { view: viewSamples, bytes: samplesBytes },
    sums: { view: viewSums, bytes: sumsBytes },
    operations: { view: viewOperations, bytes: operationsBytes },
  };
  for (const [name, { view, bytes }] of Object.entries(views)) {
    test(`is no ${name}`, () => {
      for (const rows of [0, 1, 2, 3, 1000]) {
        assert.notEqual(view(unproven(new Uint8Array(bytes(rows)), rows)), undefined);
        assert.equal(view(unproven(new Uint8Array(bytes(rows) + 8), rows)), undefined);
        assert.equal(view(unproven(new Uint8Array(Math.max(0, bytes(rows) - 8)), rows)), undefined);
      }
    });

    test(`is no ${name}, whatever the header claims`, () => {
      fc.assert(
        fc.property(u32, fc.nat(64), (rows, words) => {
          const payload = new Uint8Array(8 * words);
          const expected = payload.length === bytes(rows);
          assert.equal(view(unproven(payload, rows)) !== undefined, expected);
        }),
      );
    });
  }

  test('is no histogram', () => {
    const payload = new Uint8Array(BASE_BYTES + histogramRowBytes(2));
    new Uint32Array(payload.buffer, BASE_BYTES).set([1, 2]);
    assert.equal(viewHistograms(unproven(payload, 1))?.length, 1);
    assert.equal(viewHistograms(unproven(payload, 0)), undefined);
    assert.equal(viewHistograms(unproven(payload, 2)), undefined);
    assert.equal(viewHistograms(unproven(payload, 0xffff_ffff)), undefined);
    for (const buckets of [0, 1, 3, 0xffff_ffff]) {
      new Uint32Array(payload.buffer, BASE_BYTES).set([1, buckets]);
      assert.equal(viewHistograms(unproven(payload, 1)), undefined, `${buckets} buckets`);
    }
  });

  test('never makes a histogram of random bytes reach beyond them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 160 }), fc.nat(4), (bytes, rows) => {
        const payload = bytes.slice(0, bytes.length & ~7);
        for (const { counts } of viewHistograms(unproven(payload, rows)) ?? []) {
          assert.ok(counts.byteOffset + counts.byteLength <= payload.byteOffset + payload.length);
        }
      }),
    );
  });
});
