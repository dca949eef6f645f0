import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImportsJob } from '../support/programs/imports.ts';
import { metricsTo, Scene } from '../support/scene.ts';

test('a process that records loads @opentelemetry/api and nothing else of OpenTelemetry', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const job: ImportsJob = { directory: scene.directory, config: metricsTo(sink) };
  const program = scene.start('imports', job);
  const { loaded } = await program.says('loaded');
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  assert.ok(sink.points.length > 0);

  const packages = (loaded as string[]).flatMap(
    (url) => /node_modules\/(@[^/]+\/[^/]+|[^/]+)/.exec(url)?.[1] ?? [],
  );
  assert.deepEqual([...new Set(packages)], ['@opentelemetry/api']);
});
