import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { readRemote } from '../../src/journal/remote.ts';
import { isAnswered, readServerStatus, requestFlush } from '../../src/tree/requests.ts';
import { deadProcess, type Writer } from '../server/journals.ts';
import { T0 } from '../server/stage.ts';
import { LinkStage } from './stage.ts';

const numbers = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, index) => from + index);
const ascending = (values: readonly unknown[]): number[] => (values as number[]).toSorted((a, b) => a - b);

function record(writer: Writer, series: number, values: readonly number[]): void {
  for (const value of values) writer.samples(T0 + value, [series, value]);
}

suite('forwarding', () => {
  test('hands journals over: frames, later definitions, the end; then neither side keeps anything', async (t) => {
    const stage = await LinkStage.create(t);
    const { client, serverDirectory } = stage;
    stage.open();
    const writer = client.writer({ resource: { 'service.name': 'far away' } });
    record(writer, writer.metric('gauge', 'first'), numbers(10));
    await stage.until(() => client.backend.values('first').length === 10);
    record(writer, writer.metric('gauge', 'second', { key: 'value' }), numbers(10));
    writer.account({ budget: 3 });
    await stage.until(() => client.backend.values('second').length === 10);
    const [point] = client.backend.points;
    assert.equal(point.resource['service.name'], 'far away');
    writer.goodbye();
    await stage.until(
      () => !existsSync(writer.directory) && readdirSync(path.join(serverDirectory, 'journals')).length === 0,
    );
    // The client has said that it will not ask again; a second later the record is gone.
    await stage.until(() => readdirSync(path.join(serverDirectory, 'remote')).length === 0);
    for (const directory of [client.directory, serverDirectory]) {
      const { account, balanced } = stage.status(directory);
      assert.deepEqual([account.recorded, account.exported, account.journaled], [23, 20, 0]);
      assert.deepEqual(account.dropped, { budget: 3 });
      assert.ok(balanced);
    }
    assert.deepEqual(client.backend.values('first'), numbers(10));
  });

  test('goes on where it was, whichever side is gone for a while', async (t) => {
    const stage = await LinkStage.create(t);
    const { client, serverDirectory } = stage;
    const writer = client.writer();
    const series = writer.metric('gauge', 'value');
    stage.open(client.directory);
    record(writer, series, numbers(10));
    stage.open(serverDirectory);
    await stage.until(() => client.backend.values('value').length === 10);
    await stage.close(client.directory);
    record(writer, series, numbers(10, 10));
    stage.open(client.directory);
    await stage.until(() => client.backend.values('value').length === 20);
    await stage.close(serverDirectory);
    record(writer, series, numbers(10, 20));
    await stage.until(() => readServerStatus(client.directory)?.link?.state === 'away');
    assert.ok((readServerStatus(client.directory)?.link?.bytesBehind ?? 0) > 0);
    stage.open(serverDirectory);
    await stage.until(() => client.backend.values('value').length === 30);
    await stage.until(() => readServerStatus(client.directory)?.link?.state === 'connected');
    assert.deepEqual(ascending(client.backend.values('value')), numbers(30));
  });

  test('sends the end of a journal again to a server that has long deleted it', async (t) => {
    const stage = await LinkStage.create(t);
    const { client, serverDirectory } = stage;
    const writer = client.writer();
    record(writer, writer.metric('gauge', 'value'), numbers(10));
    writer.goodbye();
    // What the client has on disk before the server's answers: the same again.
    const before = client.copy();
    stage.open();
    const isDeleted = (): boolean =>
      readdirSync(path.join(serverDirectory, 'journals')).length === 0 && !existsSync(writer.directory);
    await stage.until(() => client.backend.values('value').length === 10);
    await stage.until(isDeleted);
    await stage.close(client.directory);
    assert.deepEqual(readdirSync(path.join(before, 'journals')), [writer.id]);
    stage.open(before);
    await stage.until(() => readdirSync(path.join(before, 'journals')).length === 0);
    await stage.until(() => stage.server(serverDirectory).isDrained);
    assert.deepEqual(client.backend.values('value'), numbers(10));
    assert.equal(stage.status(serverDirectory).account.recorded, 10);
  });

  test('takes over what was spilled, rescued, and is larger than a message', async (t) => {
    const stage = await LinkStage.create(t);
    const { client, serverDirectory } = stage;
    const budget = { primaryMaxBytes: 100_000, segmentMaxBytes: 65_536 };
    const writer = client.writer({ budget, process: deadProcess() });
    const series = writer.metric('gauge', 'value');
    const rows = (from: number, count: number) =>
      numbers(count, from).map((value) => [series, value, value * 1000] as const);
    for (let from = 0; from < 10_000; from += 1000) writer.samples(T0, ...rows(from, 1000));
    // Twenty bytes each.
    writer.samples(T0, ...rows(10_000, 50_000));
    writer.rescue(2);
    stage.open();
    await stage.until(() => client.backend.values('value').length === 60_000);
    await stage.until(() => stage.server(client.directory).isDrained);
    assert.deepEqual(ascending(client.backend.values('value')), numbers(60_000));
    assert.equal(stage.status(serverDirectory).account.recorded, 60_000);
  });

  test('does not end on the server before it has ended here', async (t) => {
    const stage = await LinkStage.create(t);
    const { client, serverDirectory } = stage;
    const writer = client.writer();
    const level = writer.metric('up_down_counter', 'level');
    stage.open();
    // In the past: its window closes at once.
    writer.sums(T0 / 2, [level, 5]);
    await stage.until(() => client.backend.values('level').length > 0);
    const server = stage.server(serverDirectory);
    server.check();
    await server.flush();
    assert.equal(client.backend.values('level').at(-1), 5);
    assert.deepEqual([server.isDrained, server.hasMembers], [false, true]);
    assert.equal(stage.status(serverDirectory).writers[0].state, 'unknown');
    writer.goodbye();
    await stage.until(() => server.isDrained);
    assert.equal(client.backend.values('level').at(-1), 0, 'what it had contributed went with it');
  });

  test('answers a flush when the server has exported, and a hand-over before that', async (t) => {
    const stage = await LinkStage.create(t, { exportIntervalMillis: 3_600_000 });
    const { client, serverDirectory } = stage;
    stage.open();
    let isAway = true;
    client.backend.answer = () => (isAway ? 'refuse' : 'accept');
    const writer = client.writer();
    record(writer, writer.metric('gauge', 'value'), [1]);
    const handOver = requestFlush(client.directory, client.digest, { handOver: true }) ?? '';
    const flush = requestFlush(client.directory, client.digest) ?? '';
    await stage.until(() => isAnswered(handOver));
    assert.equal(stage.status(client.directory).account.exported, 1);
    assert.equal(stage.status(serverDirectory).account.journaled, 1);
    await stage.until(() => client.backend.requests.length > 0);
    assert.equal(isAnswered(flush), false);
    isAway = false;
    await stage.until(() => isAnswered(flush));
    assert.deepEqual(client.backend.values('value'), [1]);
  });

  test('keeps its lease while it has nothing to send', async (t) => {
    const stage = await LinkStage.create(t, { leaseMillis: 1000 });
    const { client, serverDirectory } = stage;
    const writer = client.writer();
    const series = writer.metric('gauge', 'value');
    stage.open();
    record(writer, series, numbers(10));
    await stage.until(() => client.backend.values('value').length === 10);
    await stage.close(serverDirectory);
    stage.open(serverDirectory);
    const endMillis = Date.now() + 3000;
    await stage.until(() => Date.now() > endMillis);
    assert.equal(readRemote(serverDirectory, writer.id)?.state, 'open');
    record(writer, series, numbers(10, 10));
    await stage.until(() => client.backend.values('value').length === 20);
    assert.deepEqual(readdirSync(path.join(serverDirectory, 'remote')), [writer.id]);
  });

  test('goes on after a lapse, in another journal of the server', async (t) => {
    const stage = await LinkStage.create(t, { leaseMillis: 1000 });
    const { client, serverDirectory } = stage;
    const writer = client.writer();
    const series = writer.metric('gauge', 'value');
    stage.open();
    record(writer, series, numbers(10));
    await stage.until(() => client.backend.values('value').length === 10);
    await stage.close(client.directory);
    const server = stage.server(serverDirectory);
    assert.deepEqual([server.hasMembers, server.isDrained], [true, false]);
    // The tree's members are counted once a second, and there are none.
    await stage.until(() => !server.hasMembers && server.isDrained);
    record(writer, series, numbers(10, 10));
    stage.open(client.directory);
    await stage.until(() => client.backend.values('value').length === 20);
    assert.deepEqual(ascending(client.backend.values('value')), numbers(20));
    writer.goodbye();
    await stage.until(() => readdirSync(path.join(serverDirectory, 'remote')).length === 0);
    const { account } = stage.status(serverDirectory);
    assert.deepEqual([account.recorded, account.exported, account.journaled], [20, 20, 0]);
  });
});
