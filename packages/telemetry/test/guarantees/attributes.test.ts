import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { AttributedJob } from '../support/programs/attributed.ts';
import { metricsTo, Scene } from '../support/scene.ts';

/** Of the one class there is, in both kinds of modules; asked in the thread that records. */
const CLASS = `class Where {
  constructor({ key }) { this.key = key; }
  attributes() { return { [this.key]: process.pid + '/' + require('node:worker_threads').threadId }; }
}`;

const METRICS = [
  'multistorageclient.latency',
  'multistorageclient.request.sum',
  'multistorageclient.response.sum',
  'attributed.histogram',
  'attributed.observed',
];

test('configured attributes are those of the process and thread that records', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const common = path.join(scene.root, 'where.cjs');
  const esm = path.join(scene.root, 'where.mjs');
  writeFileSync(common, `${CLASS} exports.Where = Where;`);
  const create =
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  writeFileSync(esm, `${create} export ${CLASS}`);
  const config = {
    ...metricsTo(sink),
    attributes: [
      { type: 'static', options: { attributes: { role: 'configured', tier: 3 } } },
      { type: 'host', options: { attributes: { host: 'name' } } },
      { type: 'process', options: { attributes: { pid: 'pid' } } },
      { type: 'thread', options: { attributes: { thread: 'ident', native: 'native_id' } } },
      { type: 'environment_variables', options: { attributes: { rank: 'ATTRIBUTED_RANK' } } },
      { type: `${common}#Where`, options: { key: 'common' } },
      { type: `${esm}#Where`, options: { key: 'esm' } },
    ],
  };
  const job: AttributedJob = { directory: scene.directory, config };
  const program = scene.start('attributed', job);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  assert.equal(program.stderr, '');
  await scene.ended();

  assert.deepEqual(
    new Set(program.said.map((said) => said['role'] as string)),
    new Set(['main', 'child', 'thread']),
  );
  assert.equal(program.said.length, 3);
  for (const { role, pid, threadId, nativeId } of program.said) {
    const where = `${pid}/${threadId}`;
    const expected = {
      common: where,
      esm: where,
      host: hostname(),
      ...(nativeId === undefined ? {} : { native: nativeId as number }),
      pid: pid as number,
      ...(role === 'child' ? { rank: '1' } : {}),
      role: role as string,
      thread: threadId as number,
      tier: 3,
    };
    for (const metric of METRICS) {
      const points = [...sink.pointsOf(metric)].filter(({ attributes }) => attributes['role'] === role);
      assert.ok(points.length > 0, `${metric} of ${role}`);
      for (const { attributes } of points) {
        const own = Object.entries(attributes).filter(([key]) => !key.startsWith('multistorageclient.'));
        assert.deepEqual(Object.fromEntries(own), expected, `${metric} of ${role}`);
      }
    }
  }
  const roles = [...sink.points].map(({ attributes }) => attributes['role']);
  assert.ok(!roles.includes('configured'), 'the attributes of a record win');
});
