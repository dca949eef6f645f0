/**
 * `idle/*`: a tree with one live writer that has recorded once; CPU and memory of its server by the operating system's accounting.
 * With the default intervals, and with an export each second.
 */
import { setTimeout } from 'node:timers/promises';
import type { Bench, Context } from './bench.ts';
import { cpuMicrosOf, rssMegabytesOf } from './cpu.ts';
import { openPath, recordAll, type PathOptions } from './path.ts';
import type { Measurement } from './results.ts';

const SETTLE_MILLIS = 2000;
const RUN_MILLIS = 3000;
const RUNS = 5;

interface Found {
  readonly cpu: number[];
  readonly rss: number[];
}

async function measure(context: Context, reader: NonNullable<PathOptions['reader']>): Promise<Found> {
  const runMillis = context.isQuick ? 100 : RUN_MILLIS;
  const path = await openPath(context, { writers: 1, sets: 1, reader });
  await recordAll(path, 1, 1);
  await setTimeout(context.isQuick ? 0 : SETTLE_MILLIS);
  const { pid } = path.tree;
  const found: Found = { cpu: [], rss: [] };
  for (let run = 0; run < RUNS; run++) {
    const before = cpuMicrosOf(pid);
    await setTimeout(runMillis);
    found.cpu.push(((cpuMicrosOf(pid) - before) / (runMillis * 1000)) * 100);
    found.rss.push(rssMegabytesOf(pid));
  }
  await context.place.clear();
  return found;
}

export const idle: Bench = {
  names: ['idle/cpu', 'idle/cpu/1000-ms', 'idle/rss'],
  async run(context) {
    const results: Measurement[] = [];
    const unit = '% of a core';
    if (context.wants('idle/cpu') || context.wants('idle/rss')) {
      const { cpu, rss } = await measure(context, {});
      results.push({ name: 'idle/cpu', unit, runs: cpu, atMost: 0.5 });
      results.push({ name: 'idle/rss', unit: 'MB', runs: rss, atMost: 80 });
    }
    if (context.wants('idle/cpu/1000-ms')) {
      const { cpu } = await measure(context, { collect_interval_millis: 10, export_interval_millis: 1000 });
      results.push({ name: 'idle/cpu/1000-ms', unit, runs: cpu });
    }
    return results;
  },
};
