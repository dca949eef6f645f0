/**
 * `scale/*`: how the cost of a sample grows with the number of writers and of series. A million samples a block, but 16,384 of each
 * writer at least, 1024 a turn; before what counts, series are defined and have been seen by the server, and the code of each
 * writer is compiled.
 *
 * Up to 16 writers are processes of their own; more are worker threads of 16 processes. Series are recorded one after the other; in
 * a random order, of a hundred thousand each is a miss in every cache of the processor.
 */
import type { Bench, Context } from './bench.ts';
import { rssMegabytesOf } from './cpu.ts';
import { openPath, recordAll, type PathOptions } from './path.ts';
import type { Measurement } from './results.ts';

const WRITERS = [1, 4, 16, 64, 256];
const MANY_SERIES = 100_000;
const SERIES = [10, 1000, MANY_SERIES];
const RANDOM = 'scale/series/100000-random';
const MAX_PROCESSES = 16;
const PER_TURN = 1024;
const SAMPLES = 1024 * 1024;
/** Of one writer at least. */
const EACH = 16 * 1024;
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
  const all = writers * threads;
  const samples = isQuick ? all * 16 : Math.max(SAMPLES, all * EACH);
  // Each series once at least, or some are defined in what counts; and until each writer's code is compiled.
  const warming = isQuick ? samples : Math.max(2 * SAMPLES, 4 * all * EACH);
  await recordAll(path, Math.max(warming, 2 * (options.sets ?? 0)), PER_TURN, threads);
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
    RANDOM,
  ],
  async run(context) {
    const writers = await grow(context, 'writers', WRITERS, (count) =>
      count <= MAX_PROCESSES
        ? { writers: count }
        : { writers: MAX_PROCESSES, threads: count / MAX_PROCESSES },
    );
    const series = await grow(context, 'series', SERIES, (count) => ({
      writers: 1,
      sets: count,
      order: 'turn',
    }));
    if (!context.wants(RANDOM)) return [...writers, ...series];
    context.say(`${MANY_SERIES} series in random order`);
    const { micros } = await measure(context, { writers: 1, sets: MANY_SERIES, order: 'random' });
    return [...writers, ...series, { name: RANDOM, unit: 'µs/sample', runs: micros }];
  },
};
