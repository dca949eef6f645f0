import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { TracesJob } from '../support/programs/seed/traces.ts';
import { run, spansIn, spansOf } from './stage.ts';

const processor = { options: { schedule_delay_millis: 100, max_export_batch_size: 1 } };

test('spans go to console and otlp in batches; every one by default, none where the sampler says so', async (t) => {
  const { scene, said } = await run(t, 'seed/traces', (_sink, { directory, root }): TracesJob => {
    const to = (file: string) => ({ type: 'file', options: { path: path.join(root, file) } });
    const configs = [
      { exporter: { type: 'console' }, processor },
      { exporter: to('sampled.jsonl'), processor },
      { exporter: to('none.jsonl'), processor, sampler: { type: 'always_off' as const } },
    ];
    return { directory, configs };
  });
  const names = ['inner', 'outer'];
  assert.deepEqual(
    said
      .flatMap(spansOf)
      .map(({ name }) => name)
      .toSorted(),
    names,
  );
  assert.deepEqual(
    spansIn(path.join(scene.root, 'sampled.jsonl'))
      .map(({ name }) => name)
      .toSorted(),
    names,
  );
  assert.equal(existsSync(path.join(scene.root, 'none.jsonl')), false);
});
