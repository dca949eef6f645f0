/**
 * `msc-telemetry status`: the trees of processes of this user, as their directories tell.
 *
 * In: a directory, or all that can be found. Out: servers, writers, configurations and accounts. Changes nothing.
 * On failure: exit code 1 where there is no tree.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { listTrees, readTreeStatus, type TreeStatus } from '@multistorageclient/telemetry';
import { UsageError, type Command, type Invocation } from './command.ts';
import { formatCount, formatTable } from './format.ts';
import { paintFor, reportAccount, reportFailures, type Paint } from './report.ts';

export const status: Command = {
  name: 'status',
  usage: '[DIRECTORY] [options]',
  summary: 'show the trees of processes that record, their servers, writers and accounts',
  details:
    'Without DIRECTORY: every tree of this user in the default places, and that of MSC_TELEMETRY_DIRECTORY.\n' +
    'Exit code 1 where there is none. With --json, {"trees": […]}.',
  options: { json: { type: 'boolean', description: 'print one JSON object' } },
  run: showStatus,
};

async function showStatus({ positionals, values }: Invocation): Promise<number> {
  if (positionals.length > 1) {
    throw new UsageError(`got ${positionals.join(' ')}, expected one DIRECTORY or none`);
  }
  const [named] = positionals;
  const directories = named === undefined ? found() : [path.resolve(named)];
  if (named !== undefined && !isTree(directories[0])) {
    throw new Error(`${directories[0]} is no tree: expected a directory that a telemetry server serves`);
  }
  const trees = directories.map(readTreeStatus);
  if (values['json'] === true) {
    console.log(JSON.stringify({ trees }));
  } else if (trees.length > 0) {
    const paint = paintFor(process.stdout);
    console.log(trees.map((tree) => describe(tree, paint).join('\n')).join('\n\n'));
  } else {
    console.error(
      'msc-telemetry: no process of this user records (a tree elsewhere: msc-telemetry status DIRECTORY)',
    );
  }
  return trees.length > 0 ? 0 : 1;
}

function found(): string[] {
  const inherited = process.env['MSC_TELEMETRY_DIRECTORY'] ?? '';
  const trees = isTree(inherited) ? [inherited] : [];
  return [...new Set([...trees, ...listTrees(process.env)])];
}

function isTree(directory: string): boolean {
  return path.isAbsolute(directory) && existsSync(path.join(directory, 'journals'));
}

function describe(tree: TreeStatus, paint: Paint): string[] {
  const { directory, server, configurations, writers, account } = tree;
  const served = server === undefined ? 'nobody serves it' : `process ${server.pid}, ${server.state}`;
  const configured = Object.entries(configurations).map(([digest, one]) => [
    digest,
    one.exporter,
    one.state,
    ...figures([one.writers, one.account.recorded, one.account.exported, one.account.journaled]),
  ]);
  const writing = writers.map((one) => [
    `process ${one.pid}`,
    one.threadId === 0 ? 'main thread' : `thread ${one.threadId}`,
    one.state,
    ...figures([one.account.recorded, one.account.exported, one.account.journaled]),
  ]);
  const counts = ['recorded', 'exported', 'journaled'];
  return [
    paint('bold', directory),
    `server   ${served}`,
    ...describeLink(tree.link),
    ...describeEndpoints(tree),
    ...section([['configuration', 'exporter', 'state', 'writers', ...counts], ...configured]),
    ...reportFailures(tree, paint),
    ...section([['writer', '', 'state', ...counts], ...writing]),
    reportAccount(account, paint),
  ];
}

function describeLink(link: TreeStatus['link']): string[] {
  if (link === undefined) return [];
  const { host, port, state, sinceMillis, bytesBehind, clients, error } = link;
  const parts = [`${host}:${port}`, state];
  if (sinceMillis !== undefined) parts.push(`since ${new Date(sinceMillis).toISOString()}`);
  if (bytesBehind !== undefined) parts.push(`${formatCount(bytesBehind)} bytes behind`);
  if (clients !== undefined) parts.push(`${formatCount(clients)} clients`);
  if (error !== undefined) parts.push(error);
  return [`link     ${parts.join(', ')}`];
}

function describeEndpoints({ configurations }: TreeStatus): string[] {
  const urls = new Set(Object.values(configurations).flatMap(({ url }) => url ?? []));
  return [...urls].map((url) => `scrape   ${url}`);
}

/** Nothing where there is only a header. */
function section(rows: readonly string[][]): string[] {
  return rows.length > 1 ? formatTable(rows, 3) : [];
}

function figures(counts: readonly number[]): string[] {
  return counts.map(formatCount);
}
