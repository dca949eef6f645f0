/**
 * `scale/*`: how the cost of a sample grows with the number of writers and of series. The same number of samples in all, 1024 a
 * turn; series are defined, and have been seen by the server, before what counts.
 *
 * Up to 16 writers are processes of their own; more are worker threads of 16 processes.
 */
import type { Bench, Context } from './bench.ts';
import { rssMegabytesOf } from './cpu.ts';
import { openPath, recordAll, type PathOptions } from './path.ts';
import type { Measurement } from './results.ts';

const WRITERS = [1, 4, 16, 64, 256];
const SERIES = [10, 1000, 100_000];
const MAX_PROCESSES = 16;
const PER_TURN = 1024;
const SAMPLES = 1024 * 1024;
const BLOCKS = 5;
const GROWTH = 1.5;

interface Found {
  readonly micros: number[];
  readonly rss: number;
}

async function measure(context: Context, options: PathOptions): Promise<Found> {
  const { isQuick, place } = context;
  const { threads = 1, writers = 1 } = options;
  const path = await openPath(context, options);
  const samples = isQuick ? writers * threads * 16 : SAMPLES;
  // Each series once at least, or some are defined in what counts.
  await recordAll(path, Math.max(samples, 2 * (options.sets ?? 0)), PER_TURN, threads);
  const micros: number[] = [];
  for (let block = 0; block < (isQuick ? 1 : BLOCKS); block++) {
    const used = await recordAll(path, samples, PER_TURN, threads);
    micros.push((used.writers + used.server) / samples);
  }
  const rss = rssMegabytesOf(path.tree.pid);
  await place.clear();
  return { micros, rss };
}

/** The first is what the others are compared with; the last one is what is promised. */
async function grow(
  context: Context,
  kind: 'writers' | 'series',
  counts: readonly number[],
  optionsOf: (count: number) => PathOptions,
): Promise<Measurement[]> {
  const results: Measurement[] = [];
  const runs = new Map<number, readonly number[]>();
  for (const count of counts) {
    const name = `scale/${kind}/${count}`;
    const isNeeded =
      context.wants(name) ||
      (count === counts[0] && counts.some((each) => context.wants(`scale/${kind}/${each}`)));
    if (!isNeeded) continue;
    context.say(`${count} ${kind}`);
    const { micros, rss } = await measure(context, optionsOf(count));
    runs.set(count, micros);
    const first = runs.get(counts[0]);
    const baseline =
      count === counts[0] || first === undefined ? undefined : { name: `${counts[0]} ${kind}`, runs: first };
    const goal = count === counts.at(-1) ? ({ atMost: GROWTH, of: 'ratio' } as const) : {};
    results.push({
      name,
      unit: 'µs/sample',
      runs: micros,
      ...(baseline === undefined ? {} : { baseline, ...goal }),
    });
    results.push({ name: `${name}/rss-server`, unit: 'MB', runs: [rss] });
  }
  return results;
}

export const scale: Bench = {
  names: [
    ...WRITERS.map((count) => `scale/writers/${count}`),
    ...SERIES.map((count) => `scale/series/${count}`),
  ],
  async run(context) {
    const writers = await grow(context, 'writers', WRITERS, (count) =>
      count <= MAX_PROCESSES
        ? { writers: count }
        : { writers: MAX_PROCESSES, threads: count / MAX_PROCESSES },
    );
    const series = await grow(context, 'series', SERIES, (count) => ({ writers: 1, sets: count }));
    return [...writers, ...series];
  },
};
