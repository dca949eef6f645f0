import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccount } from '../support/arrivals.ts';
import type { OperationsJob } from '../support/programs/operations.ts';
import type { TracedJob } from '../support/programs/traced.ts';
import { metricsTo, Scene } from '../support/scene.ts';
import { exportedSpans, parentsIn, statusesOf, tracesTo } from '../support/spans.ts';

const OPERATIONS = ['multistorageclient.list', 'multistorageclient.read'];

const ids = (from: readonly { traceId: string; spanId: string }[]): string[] =>
  from.map(({ traceId, spanId }) => `${traceId} ${spanId}`).toSorted();

test('a tree of processes and threads is one connected trace, and its latencies refer to their spans', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const job: TracedJob = {
    directory: scene.directory,
    traces: tracesTo(scene),
    metrics: metricsTo(sink),
    member: {
      name: 'main',
      children: [
        { name: 'child', how: 'fork', children: [{ name: 'grandchild', how: 'fork' }] },
        { name: 'other child', how: 'fork' },
        { name: 'thread', how: 'worker', children: [{ name: 'thread of thread', how: 'worker' }] },
        { name: 'other thread', how: 'worker' },
      ],
    },
  };
  const program = scene.start('traced', job);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();

  const parents = {
    main: undefined,
    child: 'main',
    grandchild: 'child',
    'other child': 'main',
    thread: 'main',
    'thread of thread': 'thread',
    'other thread': 'main',
  };
  const members = Object.keys(parents);
  const all = exportedSpans(scene);
  const operations = all.filter(({ name }) => OPERATIONS.includes(name));
  const spans = all.filter(({ name }) => !OPERATIONS.includes(name));
  const inner = members.flatMap((name) => [
    [`${name}: inner`, name],
    [`${name}: ended`, name],
  ]);
  assert.deepEqual(parentsIn(spans), { ...parents, ...Object.fromEntries(inner) });
  assert.ok(
    all.every(({ status: { code = 0 } }) => code === 0),
    JSON.stringify(statusesOf(all)),
  );
  const named = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  for (const operation of OPERATIONS) {
    const ofThis = operations.filter(({ name }) => name === operation);
    const places = ofThis.map(({ parentSpanId = '' }) => named.get(parentSpanId) ?? 'nobody');
    assert.deepEqual(places.toSorted(), members.toSorted(), operation);
  }

  const latencies = [...sink.pointsOf('multistorageclient.latency')];
  assert.deepEqual(ids(latencies.map(({ exemplar }) => exemplar!)), ids(operations));
  for (const { time, value, exemplar } of latencies) {
    assert.deepEqual([exemplar?.time, exemplar?.value], [time, value]);
  }
  assertAccount(status, { recorded: 5 * members.length + 2 * members.length });
});

test('operations of a configuration with metrics and traces are spans without a word', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const opentelemetry = { metrics: metricsTo(sink), traces: tracesTo(scene) };
  const job: OperationsJob = { directory: scene.directory, configuration: { opentelemetry } };
  const program = scene.start('operations', job);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  await scene.ended();
  const spans = exportedSpans(scene);
  assert.deepEqual(
    spans.map(({ name }) => name),
    ['multistorageclient.read'],
  );
  assert.deepEqual(
    ids([...sink.pointsOf('multistorageclient.latency')].map(({ exemplar }) => exemplar!)),
    ids(spans),
  );
});
