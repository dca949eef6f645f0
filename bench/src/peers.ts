/**
 * `record/peer/*`: the same call in other libraries: a gauge, seven labels, 100 sets of them. What is recorded means something else
 * in each: a last value in prom-client's, a text in StatsD's, a remote call in the original's, every sample in ours.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bench, Context } from './bench.ts';
import { hotShots, originalPython } from './on-demand.ts';
import type { Methods as DrainMethods } from './programs/drain.ts';
import type { Methods } from './programs/peer.ts';
import type { Measurement } from './results.ts';

const ORIGINAL = fileURLToPath(new URL('../../peers/original.py', import.meta.url));
const PROMETHEUS = '@prometheus-io/client';
const TIMEOUT_MILLIS = 60_000;
const unit = 'ns';

async function prometheus({ place, isQuick }: Context): Promise<Measurement[]> {
  const module = createRequire(import.meta.url).resolve(PROMETHEUS);
  const job = { module, calls: isQuick ? 256 : 16_384, blocks: isQuick ? 2 : 9 };
  const { labels, child } = await place.start<Methods>('peer').ask('prometheus', job);
  return [
    { name: 'record/peer/prometheus', unit, runs: labels, note: `${PROMETHEUS}, gauge.set(labels, value)` },
    {
      name: 'record/peer/prometheus-child',
      unit,
      runs: child,
      note: `${PROMETHEUS}, gauge.labels(labels) kept`,
    },
  ];
}

async function statsd({ place, isQuick }: Context): Promise<Measurement[]> {
  const module = await hotShots();
  if (module === undefined) return [];
  const port = await place.start<DrainMethods>('drain').ask('listenUdp');
  const job = { module, port, calls: isQuick ? 256 : 16_384, blocks: isQuick ? 2 : 9 };
  const { gauge } = await place.start<Methods>('peer').ask('statsd', job);
  const note = 'over UDP, in packets of 8 KiB: a Unix socket takes a native module';
  return [{ name: 'record/peer/hot-shots', unit, runs: gauge, note }];
}

async function original({ place, isQuick }: Context): Promise<Measurement[]> {
  const python = await originalPython();
  if (python === undefined) return [];
  const { url } = await place.sink();
  const [calls, blocks] = isQuick ? [20, 2] : [1000, 9];
  try {
    const args = [ORIGINAL, url, String(calls), String(blocks)];
    const { stdout } = await promisify(execFile)(python, args, { env: place.env, timeout: TIMEOUT_MILLIS });
    const runs = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as number[];
    const note =
      'the original in Python, over its proxies: time and not CPU, as the call waits for its answer';
    return [{ name: 'record/peer/original-python', unit, runs, note }];
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split('\n');
    console.error(`NOT MEASURED: the original in Python (${reason})`);
    return [];
  }
}

const PEERS = {
  'record/peer/prometheus': prometheus,
  'record/peer/hot-shots': statsd,
  'record/peer/original-python': original,
} as const;

export const peers: Bench = {
  names: Object.keys(PEERS),
  async run(context) {
    const results: Measurement[] = [];
    for (const [name, measure] of Object.entries(PEERS)) {
      if (context.wants(name)) results.push(...(await measure(context)));
      await context.place.clear();
    }
    return results;
  },
};
