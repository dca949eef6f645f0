import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { suite, test, type TestContext } from 'node:test';
// oxlint-disable-next-line import/no-unassigned-import -- it replaces what the next ones capture
import './instant-timers.ts';
import { GaugeName } from '../../src/names.ts';
import { readTreeStatus } from '../../src/server/status.ts';
import { TreeServer } from '../../src/server/tree-server.ts';
import { readServerStatus, SCRAPED_SUFFIX } from '../../src/tree/requests.ts';
import { deadProcess } from './journals.ts';
import { Stage, T0 } from './stage.ts';

const ANYWHERE = { host: '127.0.0.1', port: 0 };

function served(t: TestContext, stage: Stage): TreeServer {
  const server = TreeServer.open(stage.directory, (message) => stage.log.push(message));
  assert.ok(server !== undefined);
  t.after(() => server.stop());
  return server;
}

/** Not `fetch`, which goes by timers. */
function textAt(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => void text(response).then(resolve, reject)).once('error', reject);
  });
}

/** Polls until the endpoint listens, and asks it. */
async function scrape(server: TreeServer, stage: Stage): Promise<string[]> {
  let url: string | undefined;
  while (url === undefined) {
    server.poll(Date.now());
    await new Promise(setImmediate);
    const { configurations = {} } = readServerStatus(stage.directory) ?? {};
    url = Object.values(configurations).find((one) => one.url !== undefined)?.url;
  }
  const body = await textAt(url);
  const lines = body.split('\n').filter((line) => /^[a-z]/u.test(line) && !line.startsWith('target_info'));
  return lines.map((line) => line.replaceAll(/otel_scope_name="[a-z]+",?/gu, '').replace('{}', ''));
}

suite('the pipelines of a configuration', () => {
  test('serve totals of all processes at /metrics, and keep them when one dies', async (t) => {
    const stage = new Stage(t, { prometheus: ANYWHERE });
    const server = served(t, stage);
    const dead = stage.writer({ process: deadProcess(), resource: { 'process.pid': 1 } });
    const live = stage.writer({ resource: { 'process.pid': 2 } });
    for (const writer of [dead, live]) {
      writer.sums(T0, [writer.metric('counter', 'jobs', {}, { unit: '' }), 5]);
      writer.sums(T0, [writer.metric('up_down_counter', 'open', {}, { unit: '' }), 3]);
      writer.samples(T0, [writer.metric('gauge', 'level', {}, { unit: '' }), 7]);
    }
    assert.deepEqual(new Set(await scrape(server, stage)), new Set(['jobs_total 10', 'open 3', 'level 7']));
  });

  test('show storage latency as a histogram, and every sample to the exporter', async (t) => {
    const stage = new Stage(t, { prometheus: ANYWHERE });
    const server = served(t, stage);
    const writer = stage.writer();
    const latency = writer.metric('gauge', GaugeName.LATENCY, {}, { unit: 's' });
    writer.samples(T0, [latency, 0.0002], [latency, 0.3], [latency, 90]);
    const lines = await scrape(server, stage);
    const name = 'multistorageclient_latency_seconds';
    for (const expected of [
      `${name}_bucket{le="0.0001"} 0`,
      `${name}_bucket{le="0.00025"} 1`,
      `${name}_bucket{le="0.25"} 1`,
      `${name}_bucket{le="0.5"} 2`,
      `${name}_bucket{le="60"} 2`,
      `${name}_bucket{le="+Inf"} 3`,
      `${name}_sum 90.3002`,
      `${name}_count 3`,
    ]) {
      assert.ok(lines.includes(expected), `${expected} in ${lines.join('\n')}`);
    }
    await server.flush();
    assert.deepEqual(stage.backend.values(GaugeName.LATENCY), [0.0002, 0.3, 90]);
  });

  test('go on without each other: a backend that is away keeps nothing from /metrics', async (t) => {
    const stage = new Stage(t, { prometheus: ANYWHERE, exportIntervalMillis: 1 });
    stage.backend.answer = () => 'refuse';
    const server = served(t, stage);
    const writer = stage.writer();
    const sum = writer.metric('counter', 'jobs', {}, { unit: '' });
    for (let round = 1; round <= 3; round++) {
      writer.sums(T0 + round, [sum, 1]);
      assert.deepEqual(await scrape(server, stage), [`jobs_total ${round}`]);
    }
    writer.goodbye();
    await scrape(server, stage);
    assert.equal(existsSync(writer.directory), true, 'the exporter still needs the journal');
    stage.backend.answer = () => 'accept';
    await server.flush();
    assert.equal(existsSync(writer.directory), false);
    assert.equal(stage.backend.values('jobs').at(-1), 3);
    assert.equal(server.isDrained, true);
    const { account, balanced, configurations } = readTreeStatus(stage.directory);
    assert.deepEqual([account.recorded, account.merged, balanced], [3, 3, true]);
    const scraped = configurations[stage.digest + SCRAPED_SUFFIX];
    assert.deepEqual([scraped.exporter, scraped.account.recorded], ['prometheus', 3]);
  });

  test('keep what /metrics shows over a restart of the server', async (t) => {
    const stage = new Stage(t, { prometheus: ANYWHERE });
    const writer = stage.writer();
    const sum = writer.metric('counter', 'jobs', {}, { unit: '' });
    for (let round = 1; round <= 3; round++) {
      writer.sums(T0 + round, [sum, 1]);
      const server = served(t, stage);
      assert.deepEqual(await scrape(server, stage), [`jobs_total ${round}`]);
      await server.stop();
    }
  });

  test('may be one that serves /metrics only', async (t) => {
    const stage = new Stage(t, { exporter: { type: 'prometheus', options: { port: 0 } } });
    const server = served(t, stage);
    const writer = stage.writer();
    writer.sums(T0, [writer.metric('counter', 'jobs', {}, { unit: '' }), 4]);
    assert.deepEqual(await scrape(server, stage), ['jobs_total 4']);
    assert.deepEqual([stage.account().merged, stage.account().recorded], [1, 1]);
  });
});
