import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfiguredJob } from '../support/programs/configured.ts';
import { run } from './stage.ts';

const part = (name: string): string =>
  `opentelemetry: {metrics: {attributes: [{type: static, options: {attributes: {${name}: true, last: ${name}}}}]}}`;

test('a file includes others: attributes in the order of the files, other keys from the one that has them', async (t) => {
  const { sink } = await run(t, 'configured', (to, scene): ConfiguredJob => {
    scene.file('parts/one.yaml', part('one'));
    const exporter = { type: 'otlp', options: { endpoint: to.url } };
    const two = scene.file('parts/two.json', JSON.stringify({ opentelemetry: { metrics: { exporter } } }));
    const main = `include: [parts/one.yaml, "${two}"]\n${part('main')}`;
    return { directory: scene.directory, configuration: scene.file('main.yaml', main) };
  });
  const [{ attributes }] = sink.pointsOf('multistorageclient.latency');
  assert.deepEqual(attributes, { main: true, one: true, last: 'one' });
});
