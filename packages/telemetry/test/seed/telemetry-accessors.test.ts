import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { AccessorsJob } from '../support/programs/seed/accessors.ts';
import { metricsTo } from '../support/scene.ts';
import { run } from './stage.ts';

test('six accessors, cached by configuration; undefined, and one error for each signal, without an exporter', async (t) => {
  const { said, stderr } = await run(t, 'seed/accessors', (sink, scene): AccessorsJob => {
    const file = { type: 'file', options: { path: path.join(scene.root, 'spans.jsonl') } };
    const traces = { exporter: file, processor: { options: { schedule_delay_millis: 100 } } };
    return { directory: scene.directory, metrics: metricsTo(sink), traces };
  });
  const right = { isThere: true, isCached: true, isOther: true, isNoneWithoutExporter: true };
  assert.deepEqual(
    said,
    ['meterProvider', 'meter', 'gauge', 'counter', 'tracerProvider', 'tracer'].map((accessor) => ({
      accessor,
      ...right,
    })),
  );
  assert.equal(
    stderr,
    'msc-telemetry: no exporter is configured: metrics are disabled\n' +
      'msc-telemetry: no exporter is configured: traces are disabled\n',
  );
});
