import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { TracesJob } from '../support/programs/seed/traces.ts';
import { run, spansIn } from './stage.ts';

test('a span that is started as the current one is the parent of those inside, in every process', async (t) => {
  const { scene } = await run(t, 'seed/traces', (_sink, { directory, root }): TracesJob => {
    const exporter = { type: 'file', options: { path: path.join(root, 'spans.jsonl') } };
    const processor = { options: { schedule_delay_millis: 100 } };
    return { directory, configs: [{ exporter, processor }], hasChild: true };
  });
  const spans = spansIn(path.join(scene.root, 'spans.jsonl'));
  const outers = spans.filter(({ name }) => name === 'outer');
  const inners = spans.filter(({ name }) => name === 'inner');
  assert.equal(spans.length, 4);
  assert.equal(new Set(outers.map(({ traceId }) => traceId)).size, 2);
  for (const { traceId, spanId } of outers) {
    const inside = inners.filter((span) => span.traceId === traceId);
    assert.deepEqual(
      inside.map(({ parentSpanId }) => parentSpanId),
      [spanId],
    );
  }
});
