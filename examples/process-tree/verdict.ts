/**
 * The verdict: whether the telemetry knows of every operation that the program counted itself.
 *
 * In: tallies, and what was exported. Out: one row per thread, and every difference that there should not be.
 * Invariant: exact, except for what was in flight when a thread was ended from outside. There the record must lie
 * between what had ended and what had started; only SIGKILL may take records, those of the turn it fell in.
 */
import type { SeriesSummary } from '@multistorageclient/cli';
import type { TreeStatus } from '@multistorageclient/telemetry';
import { ENDS, type End } from './cast.ts';
import { KINDS, type Counted } from './tally.ts';

export interface ThreadVerdict {
  readonly role: string;
  readonly pid: number;
  readonly threadId: number;
  readonly end: End;
  readonly started: number;
  readonly ended: number;
  readonly recorded: number;
  /** What a SIGKILL took with the turn it fell in. */
  readonly lost: number;
}

export interface Verdict {
  readonly threads: readonly ThreadVerdict[];
  /** Empty when all is well. */
  readonly problems: readonly string[];
}

export function judge(
  status: TreeStatus,
  series: readonly SeriesSummary[],
  tallies: readonly Counted[],
): Verdict {
  const problems = accountProblems(status, series, tallies);
  const threads = tallies.map((tally) => {
    const own = series.filter(({ pid, threadId }) => pid === tally.pid && threadId === tally.threadId);
    problems.push(...threadProblems(tally, own));
    return verdictOf(tally, own);
  });
  return { threads: threads.toSorted((a, b) => (a.role < b.role ? -1 : 1)), problems };
}

function accountProblems(
  { account, balanced, configurations }: TreeStatus,
  series: readonly SeriesSummary[],
  tallies: readonly Counted[],
): string[] {
  const problems: string[] = [];
  const expect = (what: string, got: number, expected: number): void => {
    if (got !== expected) problems.push(`${what}: got ${got}, expected ${expected}`);
  };
  if (!balanced) problems.push(`the account does not balance: ${JSON.stringify(account)}`);
  for (const { exporter, state, error } of Object.values(configurations)) {
    if (error !== undefined) problems.push(`exporter ${exporter} is ${state}: ${error}`);
  }
  expect('records that are not exported', account.journaled, 0);
  expect(
    'operations recorded',
    account.recorded,
    sum(series, ({ count }) => count),
  );
  expect(
    'latencies exported',
    sum(series, ({ samples }) => samples),
    account.exported,
  );
  expect('writers', writersOf(configurations), tallies.length);
  expect('roles that counted', tallies.length, ENDS.size);
  return problems;
}

export function writersOf(configurations: TreeStatus['configurations']): number {
  return sum(Object.values(configurations), ({ writers }) => writers);
}

function threadProblems(tally: Counted, series: readonly SeriesSummary[]): string[] {
  const { role, started, ended } = tally;
  const end = ENDS.get(role);
  const recorded = sum(series, ({ count }) => count);
  if (end === 'SIGKILL' || end === 'terminate()') {
    const least = end === 'SIGKILL' ? 0 : ended;
    if (recorded >= least && recorded <= started) return [];
    return [`${role}: got ${recorded} records, expected ${least} to ${started}`];
  }
  const problems = started === ended ? [] : [`${role}: ${started} operations started, ${ended} ended`];
  for (const kind of KINDS) {
    const { success, error, bytes } = tally.kinds[kind];
    const own = series.filter(({ operation }) => operation === kind);
    const counted = [success, error, bytes];
    const found = [
      sum(own.filter(isSuccess), ({ count }) => count),
      sum(
        own.filter((one) => !isSuccess(one)),
        ({ count }) => count,
      ),
      sum(own, (one) => one.bytes),
    ];
    for (const [index, what] of ['successes', 'errors', 'bytes'].entries()) {
      if (found[index] === counted[index]) continue;
      problems.push(`${role}: ${kind} ${what}: got ${found[index]}, expected ${counted[index]}`);
    }
  }
  return problems;
}

function isSuccess({ status }: SeriesSummary): boolean {
  return status === 'success';
}

function verdictOf(tally: Counted, series: readonly SeriesSummary[]): ThreadVerdict {
  const { role, pid, threadId, started, ended } = tally;
  const recorded = sum(series, ({ count }) => count);
  const end = ENDS.get(role) ?? 'end of work';
  return { role, pid, threadId, end, started, ended, recorded, lost: Math.max(0, ended - recorded) };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
