import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
// oxlint-disable-next-line import/no-unassigned-import -- it replaces what the next ones capture
import './instant-timers.ts';
import type { SelfObservation } from '../../src/server/self-telemetry.ts';
import { TreeServer } from '../../src/server/tree-server.ts';
import { readServerStatus } from '../../src/tree/requests.ts';
import type { Point } from './scripted-exporter.ts';
import { Stage, T0 } from './stage.ts';

const PREFIX = 'multistorageclient.telemetry.';

function served(t: TestContext, stage: Stage): TreeServer {
  const server = TreeServer.open(stage.directory, () => undefined);
  assert.ok(server !== undefined);
  t.after(() => server.stop());
  return server;
}

/** The last point of each series of the server's own, by its name and what distinguishes it. */
function lastOf(points: readonly Point[]): Record<string, unknown> {
  const own = points.filter(({ metric }) => metric.startsWith(PREFIX));
  return Object.fromEntries(
    own.map(({ metric, attributes: { reason, outcome }, value }) => {
      const of = reason ?? outcome;
      return [metric.slice(PREFIX.length) + (typeof of === 'string' ? ` ${of}` : ''), value];
    }),
  );
}

/** What a server would say of itself. */
const self = (value: number) => (): SelfObservation => ({
  startMillis: T0,
  points: [
    { name: `${PREFIX}recorded`, unit: '', kind: 'observable_counter', attributes: {}, value },
    { name: `${PREFIX}writers`, unit: '', kind: 'gauge', attributes: {}, value },
  ],
});

suite('self-telemetry', () => {
  test('tells what a pipeline has done, with every tick', async (t) => {
    const stage = new Stage(t, { selfTelemetry: true });
    const writer = stage.writer();
    const [gauge, sum] = [writer.metric('gauge', 'own.gauge'), writer.metric('counter', 'own.sum')];
    writer.samples(T0, [gauge, 1], [gauge, 2], [999, 3]);
    writer.sums(T0, [sum, 1]);
    const server = served(t, stage);
    await server.flush();
    assert.equal(lastOf(stage.backend.points)['recorded'], 0, 'as of the last commit');
    await server.flush();
    const last = lastOf(stage.backend.points);
    assert.deepEqual(
      [
        last['recorded'],
        last['exported'],
        last['merged'],
        last['dropped undefined_series'],
        last['duplicated'],
      ],
      [4, 2, 1, 1, 0],
    );
    assert.deepEqual([last['writers'], last['journal.size']], [1, 0]);
    // This exporter takes one resource at a time: the process's, and the tree's.
    assert.equal(last['export.requests accepted'], 2);
    assert.ok(Number(last['export.duration']) > 0);
    assert.ok(Number(last['ingest.lag']) >= 0);
    const point = stage.backend.points.find(({ metric }) => metric === `${PREFIX}recorded`);
    assert.deepEqual(
      { ...point?.attributes },
      { signal: 'metrics', exporter: stage.config.exporter.type, configuration: stage.digest },
    );
    assert.equal(stage.account().recorded, 4, 'it is in no account');
  });

  test('goes on where the last server was, and never falls', async (t) => {
    const stage = new Stage(t, { selfTelemetry: true });
    const writer = stage.writer();
    const gauge = writer.metric('gauge', 'own.gauge');
    const exported: unknown[] = [];
    for (let round = 1; round <= 3; round++) {
      const server = served(t, stage);
      writer.samples(T0 + round, [gauge, round]);
      await server.flush();
      await server.flush();
      exported.push(lastOf(stage.backend.points)['exported']);
      await server.stop();
    }
    assert.deepEqual(exported, [1, 2, 3]);
    const starts = stage.backend.points.filter(({ metric }) => metric === `${PREFIX}exported`);
    assert.equal(new Set(starts.map(({ start }) => start.join(' '))).size, 1);
  });

  test('counts requests that were refused, and shows the same in the status', async (t) => {
    const stage = new Stage(t, { selfTelemetry: true });
    const writer = stage.writer();
    writer.samples(T0, [writer.metric('gauge', 'own.gauge'), 1]);
    stage.backend.answer = (request) => (request < 2 ? 'refuse' : 'accept');
    const server = served(t, stage);
    await server.flush();
    await server.flush();
    const last = lastOf(stage.backend.points);
    assert.deepEqual([last['export.requests retry'], last['export.requests accepted']], [2, 2]);
    const status = readServerStatus(stage.directory)?.configurations[stage.digest];
    assert.deepEqual(status?.requests, { retry: 2, accepted: 3 });
    assert.deepEqual([status?.signal, status?.journalBytes], ['metrics', 0]);
    assert.ok((status?.exportSeconds ?? 0) > 0);
  });

  test('is in the plan, so that a killed cycle sends the same again', async (t) => {
    const stage = new Stage(t, { selfTelemetry: true });
    const writer = stage.writer();
    writer.samples(T0, [writer.metric('gauge', 'own.gauge'), 1]);
    const first = await stage.pipeline(stage.directory, undefined, { takeSelf: self(1) });
    stage.backend.answer = () => 'lose';
    const killed = first.flush({ tick: true });
    await new Promise(setImmediate);
    const copy = stage.copy();
    await first.stop();
    await killed;
    stage.backend.answer = () => 'accept';
    const second = await stage.pipeline(copy, undefined, { takeSelf: self(2) });
    await second.flush({ tick: true });
    const { requests } = stage.backend;
    const again = requests.find(({ answer }) => answer === 'accept');
    assert.equal(again?.bytes, requests[0].bytes);
    assert.equal(lastOf(stage.backend.points)['recorded'], 2);
  });
});
