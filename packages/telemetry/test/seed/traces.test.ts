import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { TracesJob } from '../support/programs/seed/traces.ts';
import { startBackend } from '../exporters/backend.ts';
import { run, spansOf, type Requested, type Span } from './stage.ts';

const processor = { options: { schedule_delay_millis: 100, max_export_batch_size: 1 } };

test('spans go to console and otlp in batches; every one by default, none where the sampler says so', async (t) => {
  const backend = await startBackend(t, (response) => response.end('{}'));
  const { said, scene } = await run(t, 'seed/traces', (_sink, { directory, root }): TracesJob => {
    const otlp = { endpoint: backend.url, protocol: 'http/json' };
    const file = { type: 'file', options: { path: path.join(root, 'none.jsonl') } };
    const configs = [
      { exporter: { type: 'console' }, processor },
      { exporter: { type: 'otlp', options: otlp }, processor },
      { exporter: file, processor, sampler: { type: 'always_off' as const } },
    ];
    return { directory, configs };
  });
  const names = ['inner', 'outer'];
  const requests = backend.received.map(({ body }) => spansOf(JSON.parse(body.toString()) as Requested));
  assert.deepEqual(namesOf(requests.flat()), names);
  assert.ok(
    requests.every(({ length }) => length === 1),
    'as large as max_export_batch_size',
  );
  assert.deepEqual(namesOf(said.flatMap(spansOf)), names);
  assert.equal(existsSync(path.join(scene.root, 'none.jsonl')), false);
});

function namesOf(spans: readonly Span[]): string[] {
  return spans.map(({ name }) => name).toSorted();
}
