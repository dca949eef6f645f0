import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { labelName, metricName } from '../../src/prometheus/names.ts';

suite('Prometheus names', () => {
  for (const [name, unit, kind, expected] of [
    ['multistorageclient.latency', 's', 'histogram', 'multistorageclient_latency_seconds'],
    ['multistorageclient.data_size', 'By', 'histogram', 'multistorageclient_data_size_bytes'],
    ['multistorageclient.data_rate', 'By/s', 'histogram', 'multistorageclient_data_rate_bytes_per_second'],
    ['multistorageclient.request.sum', '{request}', 'counter', 'multistorageclient_request_sum_total'],
    ['multistorageclient.data_size.sum', 'By', 'counter', 'multistorageclient_data_size_sum_bytes_total'],
    ['jobs_total', '', 'counter', 'jobs_total'],
    ['queue.bytes', 'By', 'gauge', 'queue_bytes'],
    ['cpu.utilization', '1', 'gauge', 'cpu_utilization_ratio'],
    ['cpu.used', '1', 'counter', 'cpu_used_total'],
    ['rate', '1/s', 'gauge', 'rate_1_per_second'],
    ['rate', '{fault}/s', 'gauge', 'rate_per_second'],
    ['2nd – try', '', 'gauge', '_2nd_try'],
  ] as const)
    test(`${name} in ${unit === '' ? 'no unit' : unit} is ${expected}`, () => {
      assert.equal(metricName(name, unit, kind), expected);
    });

  test('are valid whatever they are made from', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), fc.string(), (name, unit, key) => {
        assert.match(metricName(name, unit, 'gauge'), /^[a-zA-Z_:][a-zA-Z0-9_:]*$/u);
        assert.match(metricName(name, unit, 'counter'), /^[a-zA-Z_:][a-zA-Z0-9_:]*_total$/u);
        assert.match(labelName(key), /^[a-zA-Z_][a-zA-Z0-9_]*$/u);
      }),
    );
  });
});
