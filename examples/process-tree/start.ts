/**
 * `npm start`: a tree of processes and threads treats real files, and every operation of it is recorded.
 *
 * In: the files of this repository. Out: what was done with them and how long it took, and whether every record is
 * accounted for, compared with what the program counted itself.
 * On failure: exit code 1, and what is wrong, line by line.
 */
import path from 'node:path';
import { threadId } from 'node:worker_threads';
import { paintFor, readOtlpLines, reportAccount, reportSummary, Summary } from '@multistorageclient/cli';
import { init, TelemetryMode, TelemetryServer, type TreeStatus } from '@multistorageclient/telemetry';
import { startCast, type Member } from './cast.ts';
import { HELP, parseOptions, type Options } from './options.ts';
import { Progress } from './progress.ts';
import { recordingFs } from './recording.ts';
import { reportThreads } from './report.ts';
import { Scene } from './scene.ts';
import { readTallies, Tally } from './tally.ts';
import { judge, writersOf, type Verdict } from './verdict.ts';
import { listFiles } from './work.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../../..');
const LOOK_MILLIS = 50;
/** Each file is good for about five operations, and is treated more than once. */
const OPERATIONS_PER_FILE = 20;
const MAX_FILES = 3000;

interface Played {
  readonly status: TreeStatus;
  readonly summary: Summary;
  readonly verdict: Verdict;
  readonly wallSeconds: number;
}

process.exitCode = await main();

/** Exit code. */
async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    return complain([(error as Error).message], 2);
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  try {
    const played = await play(options);
    console.log(options.json ? asJson(played) : asText(played));
    return complain(played.verdict.problems, 1);
  } catch (error) {
    return complain([(error as Error).message], 1);
  }
}

/** The exit code if there is anything to complain about. */
function complain(problems: readonly string[], exitCode: number): number {
  for (const problem of problems) console.error(`process-tree: ${problem.replaceAll(/\s*\n\s*/gu, ' ')}`);
  return problems.length === 0 ? 0 : exitCode;
}

function asJson({ status, summary, verdict, wallSeconds }: Played): string {
  const { account, configurations } = status;
  const { threads, problems } = verdict;
  const balanced = problems.length === 0;
  const writers = writersOf(configurations);
  return JSON.stringify({ account, writers, balanced, problems, threads, ...summary.result(wallSeconds) });
}

function asText({ status, summary, verdict, wallSeconds }: Played): string {
  const paint = paintFor(process.stdout);
  return [
    ...reportSummary(summary.result(wallSeconds), paint),
    reportAccount(status.account, paint),
    '',
    ...reportThreads(verdict.threads, paint),
  ].join('\n');
}

async function play({ operations, keep }: Options): Promise<Played> {
  const scene = new Scene(keep);
  const server = new TelemetryServer();
  const exported = path.join(keep ?? server.scratchDirectory(), 'operations.jsonl');
  const config = {
    exporter: { type: 'file', options: { path: exported } },
    reader: { options: { collect_interval_millis: 1000, export_interval_millis: 1000 } },
  };
  await server.start();
  const telemetry = init({ mode: TelemetryMode.CLIENT, address: server.address });
  const fs = recordingFs(telemetry, config);
  const tally = new Tally(scene.tallies, 'main', process.pid, threadId);
  const progress = new Progress(operations, process.stderr);
  const startedAt = performance.now();

  const wanted = Math.min(MAX_FILES, Math.ceil(operations / OPERATIONS_PER_FILE));
  const files = await listFiles(fs, tally, REPOSITORY, wanted);
  const json = JSON.stringify(files);
  await tally.count(
    'write',
    () => fs.promises.writeFile(scene.list, json),
    () => Buffer.byteLength(json),
  );
  const { list, tallies, scratch } = scene;
  const members = startCast(operations, { config, list, tallies, scratch });
  interrupt(members);
  const ends = await watch(members, operations, tallies, progress);
  const wallSeconds = (performance.now() - startedAt) / 1000;
  await telemetry.shutdown();
  await server.flush();
  const status = server.status();
  const summary = new Summary(server.address);
  for await (const line of readOtlpLines(exported)) summary.add(line);
  await server.stop();
  const verdict = judge(status, summary.series(), readTallies(tallies));
  return {
    status,
    summary,
    wallSeconds,
    verdict: { ...verdict, problems: [...ends, ...verdict.problems] },
  };
}

/** Until everybody has ended. Whoever is to be ended from outside is, when it has done its share. */
async function watch(
  members: readonly Member[],
  operations: number,
  tallies: string,
  progress: Progress,
): Promise<string[]> {
  const running = new Set(members.map(({ role }) => role));
  const problems: string[] = [];
  const look = setInterval(() => {
    const counted = readTallies(tallies);
    const started = new Map(counted.map((one) => [one.role, one.started]));
    for (const { role, share, end, stop } of members) {
      if (end !== 'SIGKILL' && end !== 'terminate()') continue;
      if (running.has(role) && (started.get(role) ?? 0) >= operations * share) stop();
    }
    progress.update(
      [...started.values()].reduce((sum, count) => sum + count, 0),
      counted.length,
    );
  }, LOOK_MILLIS);
  const watched = members.map(async ({ role, end, ended }) => {
    const how = await ended;
    running.delete(role);
    progress.say(`${role} has ended: ${end}`);
    const expected = { SIGKILL: 'SIGKILL', 'terminate()': 1, 'process.exit()': 0, 'end of work': 0 }[end];
    if (how !== expected) problems.push(`${role} ended with ${how}, expected ${expected}`);
  });
  await Promise.all(watched);
  clearInterval(look);
  progress.end();
  return problems;
}

/** The end of main takes everybody along, and the files that they work on. */
function interrupt(members: readonly Member[]): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      for (const { stop } of members) stop();
      process.exit(code);
    });
  }
}
