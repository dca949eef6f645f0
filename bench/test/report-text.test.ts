import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { reportText } from '../src/report-text.ts';
import { resultOf, type Measurement } from '../src/results.ts';

const MEASURED: Measurement[] = [
  {
    name: 'record/bound',
    unit: 'ns',
    runs: [40, 45, 50],
    baseline: { name: 'otel-js gauge.record', runs: [1500] },
    atMost: 0.04,
    of: 'ratio',
  },
  {
    name: 'record/same-object',
    unit: 'ns',
    runs: [120],
    baseline: { name: 'otel-js gauge.record', runs: [1500] },
  },
  {
    name: 'record/bound/3x1',
    unit: 'ns',
    runs: [39],
    baseline: { name: 'otel-js gauge.record', runs: [700] },
  },
  { name: 'record/bound/15x10000', unit: 'ns', runs: [77] },
  { name: 'record/peer/prometheus', unit: 'ns', runs: [333], note: 'somebody' },
  { name: 'path/throughput', unit: 'samples/s', runs: [3_456_789], atLeast: 3_000_000 },
  { name: 'path/cpu-per-sample', unit: 'µs/sample', runs: [0.25], atMost: 0.35 },
  { name: 'limits/clock', unit: 'ns', runs: [40] },
  { name: 'limits/append', unit: 'ns/sample', runs: [5] },
  { name: 'limits/loopback', unit: 'ns/point', runs: [50] },
  { name: 'profile/server/exporters', unit: 'ns/sample', runs: [30] },
  { name: 'profile/server/sockets and HTTP', unit: 'ns/sample', runs: [90] },
];

function text(measured: readonly Measurement[]): string {
  const results = measured.map(resultOf);
  return reportText({ machine: '2 × Fast', version: '1.2.3', seconds: 540, results });
}

suite('report', () => {
  test('goals, with what was measured and whether they are met', () => {
    const page = text(MEASURED);
    assert.match(page, /Version 1\.2\.3 on 2 × Fast; 9 minutes/);
    assert.match(page, /3 of 3 are met/);
    assert.match(
      page,
      /\| `record\/bound` \| 45\.0 ns \| 40\.0–50\.0 of 3 \| 0\.0300 × otel-js gauge\.record \(1,500\) \| ≤ 0\.04 × \| met \|/,
    );
    assert.match(page, /\| `path\/throughput` \| 3,460,000 samples\/s \| .*≥ 3,000,000 samples\/s \| met \|/);
    const slow = text([{ name: 'path/throughput', unit: 'samples/s', runs: [1], atLeast: 2 }]);
    assert.match(slow, /0 of 1 are met/);
    assert.match(slow, /\| missed \|/);
  });

  test('the grid is sorted by attributes and sets, with one row for each', () => {
    const grid = text(MEASURED)
      .split('\n')
      .filter((line) => /^\| \d+ \|/.test(line));
    assert.deepEqual(grid, [
      '| 3 | 1 | 39.0 |  |  |  | 700 |',
      '| 7 | 100 | 45.0 | 120 |  |  | 1,500 |',
      '| 15 | 10,000 | 77.0 |  |  |  |  |',
    ]);
  });

  test('profiles are shares, limits a sum', () => {
    const page = text(MEASURED);
    assert.match(page, /\| sockets and HTTP \| 90\.0 \| 75 % \|/);
    assert.match(page, /: 100 ns a sample, 40\.0 % of `path\/cpu-per-sample`/);
  });

  test('what was not measured is not mentioned', () => {
    const page = text([]);
    assert.ok(page.startsWith('# Performance\n'));
    assert.ok(!page.includes('##'), page);
  });
});
