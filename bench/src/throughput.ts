/**
 * `path/throughput*`: two writers record for a minute as fast as what waits allows, and every sample is counted at the sink.
 *
 * The rate is what the sink has received over the time from the first record until the last arrival; memory is looked at each
 * second, that of the first quarter beside that of the last.
 */
import { setTimeout } from 'node:timers/promises';
import type { Bench, Context } from './bench.ts';
import { rssMegabytesOf } from './cpu.ts';
import { openPath, recordAll, type Path } from './path.ts';
import type { Compression } from './place.ts';
import type { Measurement } from './results.ts';

const CASES = [
  { name: 'path/throughput', compression: 'none', atLeast: 3_000_000 },
  { name: 'path/throughput-gzip', compression: 'gzip', atLeast: 2_000_000 },
] as const satisfies readonly { name: string; compression: Compression; atLeast: number }[];
const FULL_TURN = 4096;
/** Of the memory in the first quarter: garbage is collected when it pleases. */
const FLAT = 1.15;
const SETTLE_MILLIS = 200;

interface Run {
  readonly perSecond: number[];
  readonly memory: Readonly<Record<'server' | 'writers', readonly number[]>>;
  readonly recorded: number;
  readonly received: number;
  readonly wrong: number;
  /** Over all of the time. */
  readonly rate: number;
}

async function run({ sink, tree, writers }: Path, millis: number): Promise<Run> {
  const before = await sink.program.ask('state');
  const startMillis = performance.timeOrigin + performance.now();
  const stillRecording = Promise.all(
    writers.map((writer) => writer.ask('recordFor', { millis, perTurn: FULL_TURN })),
  );
  const memory = { server: [] as number[], writers: [] as number[] };
  const perSecond: number[] = [];
  let { points } = before;
  let lookedMillis = performance.now();
  while (performance.timeOrigin + performance.now() < startMillis + millis) {
    await setTimeout(Math.min(1000, millis / 8));
    const state = await sink.program.ask('state');
    const nowMillis = performance.now();
    perSecond.push(((state.points - points) / (nowMillis - lookedMillis)) * 1000);
    points = state.points;
    lookedMillis = nowMillis;
    memory.server.push(rssMegabytesOf(tree.pid));
    memory.writers.push(Math.max(...writers.map(({ pid }) => rssMegabytesOf(pid))));
  }
  const recorded = (await stillRecording).reduce((sum, samples) => sum + samples, 0);
  void tree.server.flush();
  await sink.program.ask('received', before.points + recorded);
  // More than were recorded would arrive late.
  await setTimeout(SETTLE_MILLIS);
  const { points: all, wrong, lastMillis } = await sink.program.ask('state');
  const received = all - before.points;
  const rate = (received / (lastMillis - startMillis)) * 1000;
  return { perSecond, memory, recorded, received, wrong, rate };
}

function memoryOf(name: string, runs: readonly number[]): Measurement {
  const quarter = Math.ceil(runs.length / 4);
  const baseline = { name: 'the first quarter', runs: runs.slice(0, quarter) };
  return { name, unit: 'MB', runs: runs.slice(-quarter), baseline, atMost: FLAT, of: 'ratio' };
}

async function measure(
  context: Context,
  { name, compression, atLeast }: (typeof CASES)[number],
): Promise<Measurement[]> {
  context.say(`${name}, a minute`);
  const path = await openPath(context, { compression });
  if (!context.isQuick) await recordAll(path, 2_000_000, FULL_TURN);
  const found = await run(path, context.isQuick ? 400 : 60_000);
  await context.place.clear();
  const { recorded, received, wrong, memory, rate, perSecond } = found;
  const lowest = Math.min(...perSecond).toLocaleString('en-US', { maximumFractionDigits: 0 });
  const note = `${recorded.toLocaleString('en-US')} samples; in the slowest second ${lowest}`;
  return [
    { name, unit: 'samples/s', runs: [rate], atLeast, note },
    { name: `${name}/missing`, unit: 'samples', runs: [Math.abs(recorded - received)], atMost: 0 },
    { name: `${name}/wrong`, unit: 'samples', runs: [wrong], atMost: 0 },
    memoryOf(`${name}/rss-server`, memory.server),
    memoryOf(`${name}/rss-writer`, memory.writers),
  ];
}

export const throughput: Bench = {
  names: CASES.map(({ name }) => name),
  async run(context) {
    const results: Measurement[] = [];
    for (const each of CASES) if (context.wants(each.name)) results.push(...(await measure(context, each)));
    return results;
  },
};
