import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes, Sink } from '@multistorageclient/sink';
import type { InstrumentedJob } from '../support/programs/instrumented.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';
import { assertAccount } from '../support/arrivals.ts';

/** One of each kind of instrument that the package uses. */
const METRICS = {
  'nodejs.eventloop.utilization': 'gauge',
  'nodejs.eventloop.delay.p99': 'gauge',
  'nodejs.eventloop.time': 'sum',
  'v8js.memory.heap.space.size': 'sum',
  'v8js.gc.duration': 'histogram',
};

test('an unmodified instrumentation of OpenTelemetry works in a child process', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const job: InstrumentedJob = { config: metricsTo(sink), directory: scene.directory };
  const program = scene.start('instrumented', job);
  const metrics = Object.keys(METRICS);
  await sink.until(() => metrics.every((name) => resourcesOf(sink, name).length >= 2), DEADLINE_MILLIS);
  program.proceed();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();

  const pids = program.said.flatMap(({ instrumented }) => instrumented ?? []) as number[];
  assert.equal(pids.length, 2);
  for (const [name, kind] of Object.entries(METRICS)) {
    const resources = resourcesOf(sink, name);
    assert.deepEqual(new Set(resources.map((resource) => resource['process.pid'])), new Set(pids), name);
    assert.equal(new Set(resources.map((resource) => resource['service.instance.id'])).size, 2, name);
    const found = sink.points.series.filter(({ metric }) => metric.name === name);
    for (const { metric } of found) {
      assert.equal(metric.kind, kind, name);
      assert.equal(metric.scope.name, '@opentelemetry/instrumentation-runtime-node');
    }
    for (const { value, histogram } of sink.pointsOf(name)) {
      assert.ok(histogram === undefined ? value >= 0 : histogram.count > 0, name);
    }
  }
  const { recorded, exported, merged } = status.account;
  assert.ok(exported > 0 && merged > 0);
  assertAccount(status, { recorded, exported, merged });
});

function resourcesOf(sink: Sink, name: string): Attributes[] {
  const found = sink.points.series.filter(({ metric }) => metric.name === name);
  return [...new Set(found.map(({ metric }) => metric.resource))];
}
