import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { ORIGINAL } from '../config/files.ts';
import type { ConfiguredJob } from '../support/programs/configured.ts';
import { Scene } from '../support/scene.ts';

describe('the example of the original’s documentation', { concurrency: true }, () => {
  const ways: [way: string, job: (file: string) => object, env: (file: string) => NodeJS.ProcessEnv][] = [
    ['a file that MSC_CONFIG names', () => ({}), (file) => ({ MSC_CONFIG: file })],
    ['a file that is found', () => ({}), (file) => ({ XDG_CONFIG_HOME: path.dirname(path.dirname(file)) })],
    ['a file that a program names', (configuration) => ({ configuration }), () => ({})],
    ['an object', (file) => ({ configuration: parse(readFileSync(file, 'utf8')) }), () => ({})],
  ];
  for (const [way, jobFor, envFor] of ways) {
    test(`works unchanged but for its port: ${way}`, async (t) => {
      const scene = new Scene(t);
      const sink = await scene.sink();
      const text = readFileSync(ORIGINAL, 'utf8').replace('localhost:4318', new URL(sink.url).host);
      const file = scene.file('msc/config.yaml', text);
      const job: ConfiguredJob = { directory: scene.directory, ...jobFor(file) };
      const program = scene.start('configured', job, { env: envFor(file) });
      const { host, pid, isSame } = await program.says('host');
      assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
      assert.equal(program.stderr, '');
      assert.equal(isSame, true);
      const { account } = await scene.ended();
      assert.deepEqual([account.recorded, account.exported], [10, 10]);
      const points = [...sink.points].filter(({ metric }) => metric.name === 'multistorageclient.latency');
      assert.deepEqual(
        points.map(({ value }) => value),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      );
      for (const { attributes } of points) {
        assert.deepEqual(attributes, {
          organization: 'NVIDIA',
          cluster: 'DGX SuperPOD 1',
          node: host,
          process: pid,
        });
      }
    });
  }

  test('a wrong file is refused with every problem, its file and its line', async (t) => {
    const scene = new Scene(t);
    const file = scene.file(
      'wrong.yaml',
      readFileSync(ORIGINAL, 'utf8').replace('collect_interval_millis: 10', 'collect_interval: 10'),
    );
    const program = scene.start('configured', { directory: scene.directory, configuration: file });
    const { code } = await program.ended;
    assert.equal(code, 1);
    assert.ok(
      program.stderr.includes(
        `${file}:27: opentelemetry.metrics.reader.options.collect_interval: got 10, expected one of`,
      ),
      program.stderr,
    );
  });
});
