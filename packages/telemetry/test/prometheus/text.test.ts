import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { PointBatch } from '../../src/exporters/exporter.ts';
import { PrometheusStore } from '../../src/prometheus/store.ts';
import { renderText } from '../../src/prometheus/text.ts';

const scope = { name: 'scope', version: '1.2' };
const resource = { attributes: {} };
const times = (length: number) => ({ seconds: new Uint32Array(length), nanos: new Uint32Array(length) });

function metric(name: string, unit: string, description = '') {
  return { resource, scope, descriptor: { name, unit, description, valueType: 1 } } as const;
}

async function rendered(...metrics: PointBatch['metrics']): Promise<string[]> {
  const store = new PrometheusStore();
  await store.export({ metrics, points: metrics.length });
  return renderText(store.families, { 'service.name': 'tree' }).split('\n').slice(3);
}

suite('Prometheus text', () => {
  test('begins with the resource and ends with a line', () => {
    const text = renderText([], { 'service.name': 'tree', 'host.name': 'a"b' });
    assert.equal(
      text,
      '# HELP target_info Resource of the process tree\n# TYPE target_info gauge\n' +
        String.raw`target_info{service_name="tree",host_name="a\"b"} 1` +
        '\n',
    );
  });

  test('has counters, with what their descriptions and labels have to escape', async () => {
    const values = Float64Array.of(1, 41.5);
    const attributes = { path: 'C:\\a\n"b"', 'is.ok': true, many: ['x', 'y'] };
    const lines = await rendered({
      ...metric('jobs', '', 'What\nis \\ done'),
      kind: 'sum',
      monotonic: true,
      temporality: 'cumulative',
      series: [{ attributes, values, ...times(2) }],
    });
    assert.deepEqual(lines, [
      String.raw`# HELP jobs_total What\nis \\ done`,
      '# TYPE jobs_total counter',
      String.raw`jobs_total{path="C:\\a\n\"b\"",is_ok="true",many="[\"x\",\"y\"]",otel_scope_name="scope",otel_scope_version="1.2"} 41.5`,
      '',
    ]);
  });

  test('has gauges of any value, and sums that may fall among them', async () => {
    const series = [NaN, Infinity, -Infinity, -0, 1e21].map((value, index) => ({
      attributes: { index },
      values: Float64Array.of(value),
      ...times(1),
    }));
    const lines = await rendered(
      { ...metric('level', ''), kind: 'gauge', series },
      {
        ...metric('open', ''),
        kind: 'sum',
        monotonic: false,
        temporality: 'cumulative',
        series: series.slice(4),
      },
    );
    assert.deepEqual(
      lines.map((line) => line.replace(/\{.*\}/u, '')),
      ['# TYPE level gauge', 'level NaN', 'level +Inf', 'level -Inf', 'level 0', 'level 1e+21'].concat([
        '# TYPE open gauge',
        'open 1e+21',
        '',
      ]),
    );
  });

  test('has histograms, whose buckets include those below', async () => {
    const counts = Float64Array.of(3, 0, 2);
    const value = { count: 5, sum: 7.25, min: 0.1, max: 9, boundaries: [0.5, 2], counts };
    const lines = await rendered({
      ...metric('latency', 's'),
      scope: { name: 'scope' },
      kind: 'histogram',
      temporality: 'cumulative',
      series: [{ attributes: {}, values: [value], ...times(1) }],
    });
    assert.deepEqual(lines, [
      '# TYPE latency_seconds histogram',
      'latency_seconds_bucket{otel_scope_name="scope",le="0.5"} 3',
      'latency_seconds_bucket{otel_scope_name="scope",le="2"} 3',
      'latency_seconds_bucket{otel_scope_name="scope",le="+Inf"} 5',
      'latency_seconds_sum{otel_scope_name="scope"} 7.25',
      'latency_seconds_count{otel_scope_name="scope"} 5',
      '',
    ]);
  });

  test('has each series once, and buckets apart from an attribute of their name', async () => {
    const columns = times(1);
    const one = { attributes: { 'a.b': 'x' }, values: Float64Array.of(1), ...columns };
    const two = { attributes: { a_b: 'x' }, values: Float64Array.of(2), ...columns };
    const counts = Float64Array.of(1, 0);
    const value = { count: 1, sum: 1, min: 1, max: 1, boundaries: [1], counts };
    const lines = await rendered(
      { ...metric('level', ''), kind: 'gauge', series: [one, two] },
      {
        ...metric('sizes', ''),
        kind: 'histogram',
        temporality: 'cumulative',
        series: [{ attributes: { le: 'own' }, values: [value], ...columns }],
      },
    );
    assert.equal(lines.filter((line) => line.startsWith('level{')).length, 1);
    assert.match(lines[1], / 1$/u);
    assert.ok(lines.some((line) => /^sizes_bucket\{exported_le="own",.*,le="1"\} 1$/u.test(line)));
  });

  test('joins attributes that become the same label, and keeps one type per name', async () => {
    const one = { attributes: { 'a.b': 'x', a_b: 'y' }, values: Float64Array.of(1), ...times(1) };
    const lines = await rendered(
      { ...metric('jobs.total', ''), kind: 'gauge', series: [one] },
      { ...metric('jobs', ''), kind: 'sum', monotonic: true, temporality: 'cumulative', series: [one] },
      { ...metric('jobs', ''), scope: { name: 'other' }, kind: 'gauge', series: [one] },
    );
    assert.deepEqual(
      lines.filter((line) => line.startsWith('#')),
      ['# TYPE jobs gauge', '# TYPE jobs_total counter'],
    );
    assert.match(lines[1], /^jobs\{a_b="x;y",/u);
  });
});
