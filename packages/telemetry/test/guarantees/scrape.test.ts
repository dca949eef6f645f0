import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readServerStatus } from '../../src/tree/requests.ts';
import { assertAccount } from '../support/arrivals.ts';
import type { ScrapedJob } from '../support/programs/scraped.ts';
import { metricsTo, Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const ROUNDS = 4;
const COUNT = 500;
/** Main, and a child and a thread in each round. */
const RECORDED = COUNT * (1 + 2 * ROUNDS);

const TOTALS = [
  'scraped_added_total',
  'multistorageclient_request_sum_total',
  'multistorageclient_response_sum_total',
  'multistorageclient_latency_seconds_count',
  'multistorageclient_latency_seconds_bucket{le="+Inf"}',
  'multistorageclient_data_size_bytes_count',
];

test('/metrics shows one total for all processes, which never falls, whoever is killed', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const config = { ...metricsTo(sink), prometheus: { options: { port: 0 } } };
  const job: ScrapedJob = { directory: scene.directory, config, rounds: ROUNDS, count: COUNT };
  const program = scene.start('scraped', job);
  const server = await scene.serverPid();
  let before = await until('a scrape', () => scrape(scene));
  let isKilled = false;
  while (TOTALS.some((name) => before.get(name) !== RECORDED)) {
    const now = await until('a scrape', () => scrape(scene));
    for (const name of TOTALS) {
      const [was, is] = [before.get(name) ?? 0, now.get(name) ?? 0];
      assert.ok(is >= was, `${name} falls from ${was} to ${is}`);
    }
    before = now;
    if (isKilled || (now.get(TOTALS[0]) ?? 0) < RECORDED / 2) continue;
    process.kill(server, 'SIGKILL');
    isKilled = true;
    await scene.serverPid(server);
  }
  assert.equal(isKilled, true);
  program.proceed();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  assertAccount(await scene.ended(), { recorded: 2 * RECORDED, exported: RECORDED, merged: RECORDED });
  const added = [...sink.pointsOf('scraped.added')];
  assert.ok(added.length >= 1 + ROUNDS, 'the exporter has every process apart');
});

/** Values by name and bucket; `undefined` while nobody serves. */
async function scrape(scene: Scene): Promise<Map<string, number> | undefined> {
  const { configurations = {} } = readServerStatus(scene.directory) ?? {};
  const url = Object.values(configurations).find((one) => one.url !== undefined)?.url;
  if (url === undefined) return undefined;
  const response = await fetch(url).catch(() => undefined);
  if (response === undefined) return undefined;
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name, bucket = ''] = /^(\w+)(?:\{.*?(le="[^"]*")?\})? /u.exec(line) ?? [];
      const value = Number(line.slice(line.lastIndexOf(' ') + 1));
      return [bucket === '' ? name : `${name}{${bucket}}`, value];
    }),
  );
}
