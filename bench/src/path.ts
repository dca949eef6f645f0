/**
 * `path/cpu-per-sample*`, `path/sparse/*`: CPU of the whole path, from `record` in the writers to the request that the server has
 * sent, per raw sample; OpenTelemetry's parts in a process of their own beside it, in blocks.
 */
import type { Bench, Context } from './bench.ts';
import { cpuMicrosOf } from './cpu.ts';
import { rawTo, type BenchSink, type Compression, type Tree } from './place.ts';
import type { Methods as PartsMethods } from './programs/otel-parts.ts';
import type { Methods as WriterMethods } from './programs/writer.ts';
import type { Program } from './requests.ts';
import type { Goal, Measurement } from './results.ts';

const SETS = 100;
/** What fills a batch. */
const FULL_TURN = 4096;
const BLOCK_SECONDS = 0.7;
/** OpenTelemetry's default is a minute: nobody who looks at raw samples waits that long. */
const INTERVALS = { collect_interval_millis: 10, export_interval_millis: 1000 };

/** A tree with writers that have defined their series. */
export interface Path {
  readonly sink: BenchSink;
  readonly tree: Tree;
  readonly writers: readonly Program<WriterMethods>[];
}

/** CPU of one block, in microseconds. */
export interface Used {
  readonly writers: number;
  readonly server: number;
}

export interface PathOptions {
  readonly compression?: Compression;
  readonly writers?: number;
  readonly threads?: number;
  readonly sets?: number;
  readonly order?: 'random' | 'turn';
  readonly reader?: Readonly<Record<string, number>>;
  readonly serverPath?: string;
  /** Of the writers. */
  readonly execArgv?: readonly string[];
}

export async function openPath({ place }: Context, options: PathOptions = {}): Promise<Path> {
  const { compression = 'none', writers: count = 2, threads = 0, sets = SETS, order } = options;
  const { reader = INTERVALS } = options;
  const sink = await place.sink();
  await sink.program.ask('reset', { attributes: 7 });
  const tree = await place.tree(options.serverPath);
  const writers = Array.from({ length: count }, () => place.start<WriterMethods>('writer', options.execArgv));
  const metrics = rawTo(sink.url, {
    compression,
    cardinality_limit: 200_000,
    reader: { options: reader },
  });
  const job = { directory: tree.directory, metrics, sets, order, threadCount: threads };
  await Promise.all(writers.map((writer) => writer.ask('open', job)));
  return { sink, tree, writers };
}

/** All writers together record so many samples, and the sink has received them. */
export async function recordAll(path: Path, samples: number, perTurn: number, threads = 1): Promise<Used> {
  const { sink, tree, writers } = path;
  const each = Math.ceil(samples / writers.length / threads);
  const { points } = await sink.program.ask('state');
  const before = cpuMicrosOf(tree.pid);
  const used = await Promise.all(writers.map((writer) => writer.ask('record', { samples: each, perTurn })));
  // The last request is not full, and would wait for its interval.
  void tree.server.flush();
  const { wrong } = await sink.program.ask('received', points + each * writers.length * threads);
  if (wrong > 0) throw new Error(`${wrong} points or requests that the sink looked at are wrong`);
  const server = cpuMicrosOf(tree.pid) - before;
  return { writers: used.reduce((sum, micros) => sum + micros), server };
}

/** So many samples take about as long as one block should: a warm-up at the same time. */
export async function blockSamples(
  path: Path,
  context: Context,
  perTurn: number,
  threads = 1,
): Promise<number> {
  if (context.isQuick) return 8192;
  let samples = Math.min(100_000, 20_000 * perTurn);
  await recordAll(path, samples, perTurn, threads);
  const started = performance.now();
  await recordAll(path, samples, perTurn, threads);
  samples *= (BLOCK_SECONDS * 1000) / (performance.now() - started);
  samples = Math.min(2_000_000, Math.max(50_000, Math.round(samples)));
  await recordAll(path, samples, perTurn, threads);
  return samples;
}

interface Case {
  readonly name: string;
  readonly compression: Compression;
  readonly perTurn: number;
  readonly writers: number;
  readonly goal: Goal;
  /** Where it has a baseline. */
  readonly parts?: { readonly name: string; readonly compression: 'none' | 'gzip' };
}

const CASES: readonly Case[] = [
  {
    name: 'path/cpu-per-sample',
    compression: 'none',
    perTurn: FULL_TURN,
    writers: 2,
    goal: { atMost: 0.35 },
    parts: { name: 'path/otel-parts', compression: 'none' },
  },
  {
    name: 'path/cpu-per-sample-gzip',
    compression: 'gzip',
    perTurn: FULL_TURN,
    writers: 2,
    goal: { atMost: 0.5 },
    parts: { name: 'path/otel-parts-gzip', compression: 'gzip' },
  },
  { name: 'path/cpu-per-sample-zstd', compression: 'zstd', perTurn: FULL_TURN, writers: 2, goal: {} },
  {
    name: 'path/sparse/1-a-turn',
    compression: 'none',
    perTurn: 1,
    writers: 1,
    goal: { atMost: 1.5, of: 'ratio' },
    parts: { name: 'path/otel-parts-1-a-turn', compression: 'none' },
  },
  { name: 'path/sparse/10-a-turn', compression: 'none', perTurn: 10, writers: 1, goal: {} },
  { name: 'path/sparse/100-a-turn', compression: 'none', perTurn: 100, writers: 1, goal: {} },
];
const CHAIN = 'path/cpu-per-sample/of-otel-parts';

async function measure(
  context: Context,
  { name, compression, perTurn, writers, goal, parts }: Case,
): Promise<Measurement[]> {
  context.say(name);
  const { place, isQuick } = context;
  const path = await openPath(context, { compression, writers });
  const samples = await blockSamples(path, context, perTurn);
  const chain = parts === undefined ? undefined : place.start<PartsMethods>('otel-parts');
  const job = {
    url: (await place.sink()).url,
    samples: isQuick ? 4096 : 100_000,
    perTurn,
    compression: parts?.compression ?? 'none',
  };
  if (!isQuick) await chain?.ask('record', job);
  const ours: Used[] = [];
  const theirs: number[] = [];
  for (let block = 0; block < (isQuick ? 1 : 7); block++) {
    ours.push(await recordAll(path, samples, perTurn));
    if (chain !== undefined) theirs.push((await chain.ask('record', job)) / job.samples);
  }
  await place.clear();
  const unit = 'µs/sample';
  const runs = ours.map((used) => (used.writers + used.server) / samples);
  const baseline = parts === undefined ? undefined : { name: parts.name, runs: theirs };
  const results: Measurement[] = [
    { name, unit, runs, ...goal, ...(baseline === undefined ? {} : { baseline }) },
    { name: `${name}/writers`, unit, runs: ours.map((used) => used.writers / samples) },
    { name: `${name}/server`, unit, runs: ours.map((used) => used.server / samples) },
  ];
  if (baseline !== undefined) results.push({ name: baseline.name, unit, runs: theirs });
  if (baseline !== undefined && name === CASES[0].name) {
    results.push({ name: CHAIN, unit, runs, baseline, atMost: 0.1, of: 'ratio' });
  }
  return results;
}

export const pathCpu: Bench = {
  names: [...CASES.map(({ name }) => name), ...CASES.flatMap(({ parts }) => parts?.name ?? [])],
  async run(context) {
    const results: Measurement[] = [];
    for (const each of CASES) {
      if (context.wants(each.name) || (each.parts !== undefined && context.wants(each.parts.name))) {
        results.push(...(await measure(context, each)));
      }
    }
    return results;
  },
};
