/** `idle/*`: a tree with one live writer that records nothing; CPU and memory of its server by the operating system's accounting. */
import { setTimeout } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { cpuMicrosOf, rssMegabytesOf } from './cpu.ts';
import { rawTo } from './place.ts';
import type { Methods } from './programs/writer.ts';

const SETTLE_MILLIS = 3000;

export const idle: Bench = {
  names: ['idle/cpu', 'idle/rss'],
  async run({ place, isQuick }) {
    const runMillis = isQuick ? 100 : 4000;
    const { url, program: sink } = await place.sink();
    const { directory, pid } = await place.tree();
    const writer = place.start<Methods>('writer');
    await writer.ask('open', {
      directory,
      metrics: rawTo(url, { reader: { options: { export_interval_millis: 1000 } } }),
      sets: 1,
    });
    await writer.ask('record', { samples: 1, perTurn: 1 });
    await sink.ask('received', 1);
    await setTimeout(isQuick ? 0 : SETTLE_MILLIS);
    const cpu: number[] = [];
    const rss: number[] = [];
    for (let run = 0; run < 5; run++) {
      const before = cpuMicrosOf(pid);
      await setTimeout(runMillis);
      cpu.push(((cpuMicrosOf(pid) - before) / (runMillis * 1000)) * 100);
      rss.push(rssMegabytesOf(pid));
    }
    return [
      { name: 'idle/cpu', unit: '% of a core', runs: cpu, atMost: 0.5 },
      { name: 'idle/rss', unit: 'MB', runs: rss, atMost: 80 },
    ];
  },
};
