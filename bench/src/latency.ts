/**
 * `path/latency/*`: from the time of a sample to the arrival of its request, for a writer that records 10 samples every 10 ms.
 * It is the export interval that decides: half of it at the median.
 */
import type { Bench, Context } from './bench.ts';
import { openPath, recordAll } from './path.ts';
import { percentile, type Measurement } from './results.ts';

/** By what the names call it. */
const INTERVALS = [1000, 100] as const;

async function measure(context: Context, exportIntervalMillis: number): Promise<Measurement[]> {
  const reader = { collect_interval_millis: 10, export_interval_millis: exportIntervalMillis };
  const path = await openPath(context, { writers: 1, reader });
  const [writer] = path.writers;
  // What compiles at first is no one's latency.
  await recordAll(path, 10_000, 10);
  await path.sink.program.ask('watch');
  const { points } = await path.sink.program.ask('state');
  const samples = await writer.ask('trickle', { millis: context.isQuick ? 200 : 5000, perTurn: 10 });
  await path.sink.program.ask('received', points + samples);
  const delays = await path.sink.program.ask('delays');
  await context.place.clear();
  const note = `${delays.length.toLocaleString('en-US')} samples`;
  const name = `path/latency/${exportIntervalMillis}-ms`;
  return [
    { name: `${name}/p50`, unit: 'ms', runs: [percentile(delays, 0.5)], note },
    { name: `${name}/p99`, unit: 'ms', runs: [percentile(delays, 0.99)], note },
  ];
}

export const latency: Bench = {
  names: INTERVALS.map((interval) => `path/latency/${interval}-ms`),
  async run(context) {
    const results: Measurement[] = [];
    for (const interval of INTERVALS) {
      if (context.wants(`path/latency/${interval}-ms`)) results.push(...(await measure(context, interval)));
    }
    return results;
  },
};
