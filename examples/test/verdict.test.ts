import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SeriesSummary } from '@multistorageclient/cli';
import type { TreeStatus } from '@multistorageclient/telemetry';
import { ENDS } from '../process-tree/cast.ts';
import { KINDS, type Counted } from '../process-tree/tally.ts';
import { judge } from '../process-tree/verdict.ts';

const NOTHING = { success: 0, error: 0, bytes: 0 };
/** Every role read two files of 50 bytes and did not find a third. */
const TALLIES: readonly Counted[] = [...ENDS.keys()].map((role, index) => ({
  role,
  pid: index,
  threadId: 0,
  started: 3,
  ended: 3,
  kinds: Object.fromEntries(
    KINDS.map((kind) => [kind, kind === 'read' ? { success: 2, error: 1, bytes: 100 } : NOTHING]),
  ) as Counted['kinds'],
}));

const SERIES: readonly SeriesSummary[] = TALLIES.flatMap(({ pid }) => [
  series(pid, 'success', 2, 100),
  series(pid, 'error.ENOENT', 1, 0),
]);

function series(pid: number, status: string, count: number, bytes: number): SeriesSummary {
  return { provider: 'file', operation: 'read', status, pid, threadId: 0, count, samples: count, bytes };
}

function statusOf(recorded: number, change: Partial<TreeStatus> = {}): TreeStatus {
  const account = {
    recorded,
    exported: recorded,
    merged: 0,
    journaled: 0,
    dropped: {},
    duplicated: 0,
    overflowed: 0,
  };
  const configuration = {
    exporter: 'file',
    state: 'ok',
    writers: TALLIES.length,
    journalBytes: 0,
    account,
  } as const;
  return {
    directory: '/tree',
    configurations: { a: configuration },
    writers: [],
    account,
    balanced: true,
    ...change,
  };
}

const ALL = 3 * TALLIES.length;

const pidOf = (role: string): number => TALLIES.find((one) => one.role === role)?.pid ?? NaN;

/** With `change` subtracted from what was recorded of the successes of a role. */
function without(role: string, lost: number): SeriesSummary[] {
  return SERIES.map((one) =>
    one.pid === pidOf(role) && one.status === 'success'
      ? { ...one, count: one.count - lost, samples: one.samples - lost }
      : one,
  );
}

describe('judge', () => {
  it('has nothing to say where both counted the same', () => {
    const { problems, threads } = judge(statusOf(ALL), SERIES, TALLIES);
    assert.deepEqual(problems, []);
    assert.equal(threads.length, TALLIES.length);
    assert.ok(threads.every(({ recorded, lost }) => recorded === 3 && lost === 0));
  });

  it('finds a record that is missing, by thread and kind', () => {
    const { problems } = judge(statusOf(ALL - 1), without('grandchild', 1), TALLIES);
    assert.deepEqual(problems, ['grandchild: read successes: got 1, expected 2']);
  });

  it('finds bytes that differ', () => {
    const more = SERIES.map((one) => (one.pid === pidOf('main') ? { ...one, bytes: one.bytes + 1 } : one));
    const { problems } = judge(statusOf(ALL), more, TALLIES);
    assert.deepEqual(problems, ['main: read bytes: got 102, expected 100']);
  });

  it('forgives SIGKILL what it took, and says so', () => {
    const { problems, threads } = judge(statusOf(ALL - 2), without('cluster-3', 2), TALLIES);
    assert.deepEqual(problems, []);
    assert.equal(threads.find(({ role }) => role === 'cluster-3')?.lost, 2);
  });

  it('forgives terminate() nothing but what was in flight', () => {
    const { problems } = judge(statusOf(ALL - 1), without('thread-2', 1), TALLIES);
    assert.deepEqual(problems, ['thread-2: got 2 records, expected 3 to 3']);
    const inFlight = TALLIES.map((one) => (one.role === 'thread-2' ? { ...one, started: 4, ended: 2 } : one));
    assert.deepEqual(judge(statusOf(ALL), SERIES, inFlight).problems, []);
  });

  it('never forgives a record that nobody started', () => {
    const { problems } = judge(statusOf(ALL + 1), without('cluster-3', -1), TALLIES);
    assert.deepEqual(problems, ['cluster-3: got 4 records, expected 0 to 3']);
  });

  it('finds what is wrong with the account', () => {
    const account = { ...statusOf(ALL).account, exported: ALL - 1, journaled: 1 };
    assert.deepEqual(judge(statusOf(ALL, { account }), SERIES, TALLIES).problems, [
      'records that are not exported: got 1, expected 0',
      `latencies exported: got ${ALL}, expected ${ALL - 1}`,
    ]);
    const [problem] = judge(statusOf(ALL, { balanced: false }), SERIES, TALLIES).problems;
    assert.match(problem, /^the account does not balance: \{"recorded":/u);
    assert.deepEqual(judge(statusOf(ALL - 1), SERIES, TALLIES).problems, [
      `operations recorded: got ${ALL - 1}, expected ${ALL}`,
      `latencies exported: got ${ALL}, expected ${ALL - 1}`,
    ]);
  });

  it('misses nobody', () => {
    const gone = TALLIES.filter(({ role }) => role !== 'thread-1');
    assert.deepEqual(judge(statusOf(ALL), SERIES, gone).problems, [
      `writers: got ${ENDS.size}, expected ${ENDS.size - 1}`,
      `roles that counted: got ${ENDS.size - 1}, expected ${ENDS.size}`,
    ]);
  });
});
