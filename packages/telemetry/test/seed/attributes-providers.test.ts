import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { ConfiguredJob } from '../support/programs/configured.ts';
import { run } from './stage.ts';

test('attributes providers: static, host, process, thread, environment_variables, and msc_config', async (t) => {
  const { sink, said } = await run(
    t,
    'configured',
    (to, scene): ConfiguredJob => {
      const text = `
profiles: {data: {storage_provider: {type: s3, options: {base_path: my-bucket}}}}
opentelemetry:
  metrics:
    attributes:
      - {type: static, options: {attributes: {organization: us, winner: static}}}
      - {type: host, options: {attributes: {node: name}}}
      - {type: process, options: {attributes: {process: pid}}}
      - {type: thread, options: {attributes: {thread: ident}}}
      - {type: environment_variables, options: {attributes: {job: SEED_JOB, unset: SEED_UNSET, winner: SEED_JOB}}}
      - type: msc_config
        options:
          attributes:
            bucket: {expression: profiles.data.storage_provider.options.base_path}
            digest: {expression: "hash('sha3-256', profiles.data.storage_provider.options.base_path)"}
    exporter: {type: otlp, options: {endpoint: "${to.url}"}}
`;
      return { directory: scene.directory, configuration: scene.file('config.yaml', text) };
    },
    () => ({ SEED_JOB: '17' }),
  );
  const [{ host, pid }] = said;
  const [{ attributes }] = sink.pointsOf('multistorageclient.latency');
  assert.deepEqual(attributes, {
    organization: 'us',
    winner: '17',
    node: host as string,
    process: pid as number,
    thread: 0,
    job: '17',
    bucket: 'my-bucket',
    digest: createHash('sha3-256').update('my-bucket').digest('hex'),
  });
});
