/**
 * What the status of a tree looks like to people.
 *
 * In: a look at a tree, and the width that there is. Out: lines that are no wider, whatever is in them.
 */
import type { TreeConfigurationStatus, TreeStatus, WriterStatus } from '@multistorageclient/telemetry';
import {
  formatBytes,
  formatCount,
  formatRate,
  formatSeconds,
  formatTables,
  wrapText,
  type Column,
} from './format.ts';
import type { Look, Rates } from './rates.ts';
import { reportAccount, reportFailures, type Paint } from './report.ts';

const UNKNOWN = '–';
/** Where lines that begin with what they are about go on. */
const INDENT = 9;
const MAX_NAME = 24;

export function statusLines(tree: Look, width: number, paint: Paint): string[] {
  const { directory, server, account, configurations } = tree;
  const served = server === undefined ? 'nobody serves it' : `process ${server.pid}, ${server.state}`;
  // What a server said of its sockets ended with it.
  const isServed = server !== undefined && server.state !== 'dead';
  const urls = new Set(Object.values(configurations).flatMap(({ url }) => (isServed && url) || []));
  return [
    ...wrapText(directory, width, 0).map((line) => paint('bold', line)),
    `server   ${served}`,
    ...(isServed ? wrapText(linkLine(tree.link), width, INDENT) : []),
    ...[...urls].flatMap((url) => wrapText(`scrape   ${url}`, width, INDENT)),
    ...configurationLines(tree, width, paint),
    ...reportFailures(tree, (_, text) => text).flatMap((line) =>
      wrapText(line, width, INDENT).map((part) => paint('red', part)),
    ),
    ...accountLines(account, width, paint),
    ...writerLines(tree.writers, width, paint),
  ].filter((line) => line !== '');
}

function accountLines(account: TreeStatus['account'], width: number, paint: Paint): string[] {
  const lines = wrapText(
    reportAccount(account, (_, text) => text),
    width,
    INDENT,
  );
  return lines.map((line) =>
    line
      .replace('NOT BALANCED', (verdict) => paint('red', verdict))
      .replace(/\bbalanced$/u, (verdict) => paint('green', verdict)),
  );
}

function linkLine(link: TreeStatus['link']): string {
  if (link === undefined) return '';
  const { host, port, state, sinceMillis, bytesBehind, clients, error } = link;
  const parts = [`${host}:${port}`, state];
  if (sinceMillis !== undefined) parts.push(`since ${new Date(sinceMillis).toISOString()}`);
  if (bytesBehind !== undefined) parts.push(`${formatCount(bytesBehind)} bytes behind`);
  if (clients !== undefined) parts.push(clients === 1 ? '1 client' : `${formatCount(clients)} clients`);
  if (error !== undefined) parts.push(error);
  return `link     ${parts.join(', ')}`;
}

function configurationLines({ configurations, rates }: Look, width: number, paint: Paint): string[] {
  const names = Object.keys(configurations);
  const all = Object.values(configurations);
  const key = texts('config', names, shortName);
  const groups = [
    [
      texts('signal', all, ({ signal = UNKNOWN }) => signal),
      texts('exporter', all, ({ exporter }) => (exporter === '' ? UNKNOWN : clipped(exporter))),
      texts('state', all, ({ state }) => state),
      counts('writers', all, ({ writers }) => writers),
    ],
    [
      figures('waiting', all, ({ journalBytes }) => formatBytes(journalBytes)),
      figures('lag', all, ({ lagSeconds = NaN }) => formatSeconds(lagSeconds)),
      figures('export', all, ({ exportSeconds = NaN }) => formatSeconds(exportSeconds)),
    ],
    [
      counts('recorded', all, ({ account }) => account.recorded),
      counts('exported', all, ({ account }) => account.exported),
      counts('merged', all, ({ account }) => account.merged),
      counts('journaled', all, ({ account }) => account.journaled),
      counts('dropped', all, ({ account }) => droppedOf(account)),
    ],
    [
      figures('requests', all, (one) => requestsOf(one, 'accepted')),
      figures('retried', all, (one) => requestsOf(one, 'retry')),
      figures('rejected', all, (one) => requestsOf(one, 'rejected')),
    ],
    ...(rates === undefined ? [] : [rateColumns(names.map((name) => rates[name]))]),
  ];
  return titledTables(key, groups, width, paint);
}

/** The pipeline to `/metrics` is named after its configuration. */
function shortName(name: string): string {
  const [digest = '', ...rest] = name.split('.');
  return rest.length === 0 ? digest.slice(0, 6) : `${digest.slice(0, 6)}/metrics`;
}

/** Those of a link, and of a tree without a server, are not known. */
function requestsOf({ requests }: TreeConfigurationStatus, outcome: string): string {
  return requests === undefined ? UNKNOWN : formatCount(requests[outcome] ?? 0);
}

function rateColumns(rates: readonly (Rates | undefined)[]): Column[] {
  const perSecond = (title: string, cell: (one: Rates) => string): Column =>
    figures(title, rates, (one) => (one === undefined ? UNKNOWN : cell(one)));
  return [
    perSecond('recorded', (one) => formatRate(one.recordedPerSecond)),
    perSecond('exported', (one) => formatRate(one.exportedPerSecond)),
    perSecond('waiting', ({ waitingBytesPerSecond: bytes }) => {
      const sign = bytes > 0 ? '+' : bytes < 0 ? '-' : '';
      return `${sign}${formatBytes(Math.abs(Math.round(bytes)))}/s`;
    }),
  ];
}

function writerLines(writers: readonly WriterStatus[], width: number, paint: Paint): string[] {
  const key = texts('writer', writers, ({ pid }) => `process ${pid}`);
  const groups = [
    [
      texts('thread', writers, ({ threadId }) => (threadId === 0 ? 'main' : String(threadId))),
      texts('config', writers, ({ configuration }) => shortName(configuration)),
      texts('state', writers, ({ state }) => state),
    ],
    [
      counts('recorded', writers, ({ account }) => account.recorded),
      counts('exported', writers, ({ account }) => account.exported),
      counts('journaled', writers, ({ account }) => account.journaled),
      counts('dropped', writers, ({ account }) => droppedOf(account)),
    ],
  ];
  return titledTables(key, groups, width, paint);
}

/** Nothing where there are no rows. */
function titledTables(
  key: Column,
  groups: readonly (readonly Column[])[],
  width: number,
  paint: Paint,
): string[] {
  if (key.cells.length === 0) return [];
  return formatTables(key, groups, width).flatMap(([title = '', ...rows]) => [paint('bold', title), ...rows]);
}

function droppedOf({ dropped }: TreeStatus['account']): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

/** What tells names of classes apart is at their end. */
function clipped(name: string): string {
  return name.length > MAX_NAME ? `…${name.slice(1 - MAX_NAME)}` : name;
}

function texts<T>(title: string, rows: readonly T[], cell: (row: T) => string): Column {
  return { title, isText: true, cells: rows.map(cell) };
}

function figures<T>(title: string, rows: readonly T[], cell: (row: T) => string): Column {
  return { title, cells: rows.map(cell) };
}

function counts<T>(title: string, rows: readonly T[], count: (row: T) => number): Column {
  return figures(title, rows, (row) => formatCount(count(row)));
}
