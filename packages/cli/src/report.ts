/** What a summary, and the account of a tree, look like to people. */
import { styleText } from 'node:util';
import type { Account, TreeStatus } from '@multistorageclient/telemetry';
import { formatBytes, formatCount, formatRate, formatSeconds, formatTable } from './format.ts';
import type { Distribution } from './samples.ts';
import type { ProcessSummary, StorageSummary, ThreadSummary } from './storage-summary.ts';

/** Colours a text, or leaves it as it is. */
export type Paint = (style: 'bold' | 'dim' | 'red' | 'green', text: string) => string;

/** Colours where a stream is a terminal and `NO_COLOR` is not set. */
export function paintFor(stream: NodeJS.WritableStream): Paint {
  return (style, text) => styleText(style, text, { stream });
}

/** Operations, processes, the slowest, errors and the time in storage, as lines. */
export function reportSummary(summary: StorageSummary, paint: Paint): string[] {
  if (summary.operations.length === 0) return ['no operation was recorded'];
  return [
    ...titled(operationRows(summary), 2, paint),
    '',
    ...titled(processRows(summary.processes), 1, paint),
    '',
    paint('bold', 'the slowest'),
    ...formatTable(slowestRows(summary), 5),
    '',
    ...remarks(summary),
  ];
}

/** One line: recorded = exported + merged + journaled + dropped. */
export function reportAccount(account: Account, paint: Paint): string {
  const { recorded, exported, merged, journaled, dropped, duplicated, overflowed } = account;
  const reasons = Object.entries(dropped).filter(([, count]) => count > 0);
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  const detail = reasons.map(([reason, count]) => `${reason} ${formatCount(count)}`).join(', ');
  const isBalanced = recorded === exported + merged + journaled + total;
  const parts = [
    `${formatCount(exported)} exported`,
    `${formatCount(merged)} merged`,
    `${formatCount(journaled)} journaled`,
    `${formatCount(total)} dropped${detail === '' ? '' : ` (${detail})`}`,
  ];
  const verdict = isBalanced ? paint('green', 'balanced') : paint('red', 'NOT BALANCED');
  const repeated = duplicated > 0 ? `; ${formatCount(duplicated)} sent twice` : '';
  const limited = overflowed > 0 ? `; ${formatCount(overflowed)} beyond a cardinality limit` : '';
  return `account  ${formatCount(recorded)} recorded = ${parts.join(' + ')}${repeated}${limited}  ${verdict}`;
}

/** What keeps a tree's configurations from exporting, if anything does. */
export function reportFailures({ configurations }: TreeStatus, paint: Paint): string[] {
  const failures = Object.values(configurations).flatMap(({ exporter, state, error }) => {
    if (state === 'away' || state === 'failed') {
      return [`exporter ${exporter} is ${state}: ${error ?? 'no reason is known'}`];
    }
    // Of what is served beside an exporter that works.
    return error ?? [];
  });
  return [...new Set(failures)].map((failure) => paint('red', failure));
}

function remarks({ operations, wallSeconds, storageSeconds, unfinished }: StorageSummary): string[] {
  const errors = operations.filter(({ status }) => status !== 'success');
  const failed = errors.reduce((sum, { count }) => sum + count, 0);
  const kinds = errors.map((one) => `${one.operation} ${shortStatus(one.status)} ${formatCount(one.count)}`);
  const overlap =
    wallSeconds > 0 ? ` (${Number((storageSeconds / wallSeconds).toPrecision(2))} at a time)` : '';
  const lines = [
    `errors   ${formatCount(failed)}${failed === 0 ? '' : `: ${kinds.join(', ')}`}`,
    `storage  ${formatSeconds(storageSeconds)} in operations, in ${formatSeconds(wallSeconds)}${overlap}`,
  ];
  if (unfinished > 0) {
    lines.push(`started  ${formatCount(unfinished)} more: in flight, or lost with their process`);
  }
  const partial = operations.filter(({ count, samples }) => samples < count);
  if (partial.length > 0) {
    const kept = partial.reduce((sum, { samples }) => sum + samples, 0);
    const all = partial.reduce((sum, { count }) => sum + count, 0);
    lines.push(`sampled  percentiles are of ${formatCount(kept)} of ${formatCount(all)} operations`);
  }
  return lines;
}

function slowestRows({ slowest }: StorageSummary): string[][] {
  return slowest.map((one) => [
    formatSeconds(one.latencySeconds),
    one.operation,
    shortStatus(one.status),
    `process ${one.pid ?? '–'}${one.threadId ? `, thread ${one.threadId}` : ''}`,
    `after ${formatSeconds(one.startSeconds)}`,
  ]);
}

function shortStatus(status: string): string {
  return status.replace(/^error\./u, '');
}

function operationRows({ operations }: StorageSummary): string[][] {
  const header = ['operation', 'status', 'count', 'rate', ...LATENCY_TITLES, 'max', 'bytes', 'bytes/s'];
  const rows = operations.map((one) => [
    one.operation,
    one.status,
    formatCount(one.count),
    formatRate(one.perSecond),
    ...latencyCells(one.latencySeconds),
    formatSeconds(one.latencySeconds.max),
    ...(one.bytes > 0 ? [formatBytes(one.bytes), `${formatBytes(one.bytesPerSecond)}/s`] : []),
  ]);
  return [header, ...rows];
}

function processRows(processes: readonly ProcessSummary[]): string[][] {
  const header = ['process', 'operations', 'errors', 'in storage', ...LATENCY_TITLES, 'max', 'bytes'];
  const rows = processes.flatMap((one) => [
    [String(one.pid ?? '–'), ...threadCells(one)],
    ...(one.threads ?? []).map((thread) => [
      thread.threadId === 0 ? '  main thread' : `  thread ${thread.threadId ?? '–'}`,
      ...threadCells(thread),
    ]),
  ]);
  return [header, ...rows];
}

const LATENCY_TITLES = ['p50', 'p90', 'p99'];

function latencyCells({ p50, p90, p99 }: Distribution): string[] {
  return [p50, p90, p99].map(formatSeconds);
}

function threadCells(one: Omit<ThreadSummary, 'threadId'>): string[] {
  return [
    formatCount(one.count),
    formatCount(one.errors),
    formatSeconds(one.latencySeconds.sum),
    ...latencyCells(one.latencySeconds),
    formatSeconds(one.latencySeconds.max),
    formatBytes(one.bytes),
  ];
}

function titled(rows: readonly string[][], leftColumns: number, paint: Paint): string[] {
  const [title, ...lines] = formatTable(rows, leftColumns);
  return [paint('bold', title), ...lines];
}
