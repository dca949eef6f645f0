/**
 * `msc-telemetry status`: the trees of processes of this user, as their directories tell; once, or again and again.
 *
 * In: a directory, or all that can be found. Out: servers, writers, configurations and accounts. Changes nothing.
 * On failure: exit code 1 where there is no tree.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { listTrees, readTreeStatus } from '@multistorageclient/telemetry';
import { UsageError, type Command, type Invocation } from './command.ts';
import { Rating, type Look } from './rates.ts';
import { paintFor } from './report.ts';
import { statusLines } from './status-text.ts';
import { watch, watchOnScreen } from './watch.ts';

export const status: Command = {
  name: 'status',
  usage: '[DIRECTORY] [options]',
  summary: 'show the trees of processes that record, their servers, writers and accounts',
  details:
    'Without DIRECTORY: every tree of this user in the default places, and that of MSC_TELEMETRY_DIRECTORY.\n' +
    'Exit code 1 where there is none. With --json, {"trees": […]}; with --watch as well, one such line per look, with\n' +
    '"rates" since the last. "waiting" is what lies in journals, "lag" the time from recording to reading, "export" the\n' +
    'time that the last request took, "requests" those that were accepted. Ctrl-C ends --watch.',
  options: {
    json: { type: 'boolean', description: 'print one JSON object' },
    watch: {
      type: 'optional',
      value: 'SECONDS',
      description: 'look again every so many seconds, from 0.1; default 1',
    },
  },
  run: showStatus,
};

const NO_TREE = 'no process of this user records (a tree elsewhere: msc-telemetry status DIRECTORY)';
/** Where there is no terminal to ask. */
const DEFAULT_WIDTH = 80;
const MIN_SECONDS = 0.1;
const MAX_SECONDS = 86_400;

async function showStatus(invocation: Invocation): Promise<number> {
  const { positionals, values } = invocation;
  if (positionals.length > 1) {
    throw new UsageError(`got ${positionals.join(' ')}, expected one DIRECTORY or none`);
  }
  const [named] = positionals;
  const directory = named === undefined ? undefined : path.resolve(named);
  if (directory !== undefined && !isTree(directory)) {
    throw new Error(`${directory} is no tree: expected a directory that a telemetry server serves`);
  }
  const isJson = values['json'] === true;
  const seconds = secondsOf(values['watch']);
  if (seconds !== undefined) return watchTrees(directory, seconds * 1000, isJson);
  const trees = treesAt(directory).map(readTreeStatus);
  if (isJson) console.log(JSON.stringify({ trees }));
  else if (trees.length > 0) console.log(textOf(trees).join('\n'));
  else console.error(`msc-telemetry: ${NO_TREE}`);
  return trees.length > 0 ? 0 : 1;
}

/** A tree that is not there yet, or any more, may come. */
async function watchTrees(
  directory: string | undefined,
  intervalMillis: number,
  isJson: boolean,
): Promise<number> {
  const rating = new Rating();
  const look = (): Look[] => rating.look(treesAt(directory).map(readTreeStatus), performance.now());
  const lines = (): string[] => {
    const trees = look();
    return [new Date().toISOString(), ...(trees.length === 0 ? [NO_TREE] : textOf(trees))];
  };
  const { stdout } = process;
  if (isJson) {
    await watch(intervalMillis, () => console.log(JSON.stringify({ atMillis: Date.now(), trees: look() })));
  } else if (stdout.isTTY) {
    await watchOnScreen(stdout, intervalMillis, lines);
  } else {
    await watch(intervalMillis, () => console.log(`${lines().join('\n')}\n`));
  }
  return 0;
}

function textOf(trees: readonly Look[]): string[] {
  const paint = paintFor(process.stdout);
  const width = process.stdout.isTTY ? process.stdout.columns : DEFAULT_WIDTH;
  return trees.flatMap((tree, index) => [...(index > 0 ? [''] : []), ...statusLines(tree, width, paint)]);
}

/** `undefined` where one look is enough. */
function secondsOf(value: string | boolean | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = value === true ? 1 : Number(value);
  if (seconds >= MIN_SECONDS && seconds <= MAX_SECONDS) return seconds;
  throw new UsageError(`--watch: got ${value}, expected seconds in [${MIN_SECONDS}, ${MAX_SECONDS}]`);
}

function treesAt(directory: string | undefined): string[] {
  if (directory !== undefined) return isTree(directory) ? [directory] : [];
  const inherited = process.env['MSC_TELEMETRY_DIRECTORY'] ?? '';
  const trees = isTree(inherited) ? [inherited] : [];
  return [...new Set([...trees, ...listTrees(process.env)])];
}

function isTree(directory: string): boolean {
  return path.isAbsolute(directory) && existsSync(path.join(directory, 'journals'));
}
