import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Account, TreeStatus } from '@multistorageclient/telemetry';
import { reportAccount, reportFailures, reportSummary, type Paint } from '../src/report.ts';
import { Summary } from '../src/summary.ts';
import { line, point } from './lines.ts';

const plain: Paint = (_, text) => text;
const ACCOUNT: Account = {
  recorded: 10,
  exported: 7,
  merged: 0,
  journaled: 1,
  dropped: { budget: 2 },
  duplicated: 3,
  overflowed: 0,
};

describe('reportAccount', () => {
  it('shows where every record is', () => {
    assert.equal(
      reportAccount(ACCOUNT, plain),
      'account  10 recorded = 7 exported + 0 merged + 1 journaled + 2 dropped (budget 2); 3 sent twice  balanced',
    );
  });

  it('says when a record is missing', () => {
    assert.match(reportAccount({ ...ACCOUNT, recorded: 11 }, plain), /NOT BALANCED$/u);
  });
});

describe('reportFailures', () => {
  it('shows what keeps configurations from exporting, and what is wrong beside', () => {
    const one = { exporter: 'otlp', writers: 1, journalBytes: 0, account: ACCOUNT } as const;
    const tree: TreeStatus = {
      directory: '/tree',
      configurations: {
        fine: { ...one, state: 'ok' },
        away: { ...one, state: 'away', error: 'connect ECONNREFUSED' },
        alike: { ...one, state: 'away', error: 'connect ECONNREFUSED' },
        scraped: { ...one, exporter: 'prometheus', state: 'ok', error: 'no /metrics (EADDRINUSE)' },
      },
      writers: [],
      account: ACCOUNT,
      balanced: true,
    };
    assert.deepEqual(reportFailures(tree, plain), [
      'exporter otlp is away: connect ECONNREFUSED',
      'no /metrics (EADDRINUSE)',
    ]);
  });
});

describe('reportSummary', () => {
  it('shows operations, processes, the slowest, errors and time', () => {
    const summary = new Summary();
    const read = { pid: 12, threadId: 0 };
    const missing = { ...read, operation: 'info', status: 'error.ENOENT' };
    summary.add(
      line({
        latency: [point(read, 0.25, 1), point(missing, 0.0005, 1.5)],
        'request.sum': [point({ ...read, status: '' }, 2), point({ ...missing, status: '' }, 1)],
        'response.sum': [point(read, 1), point(missing, 1)],
        'data_size.sum': [point(read, 2048)],
      }),
    );
    assert.deepEqual(reportSummary(summary.result(2), plain), [
      'operation  status        count     rate     p50     p90     p99     max     bytes     bytes/s',
      'info       error.ENOENT      1  0.500/s  500 µs  500 µs  500 µs  500 µs',
      'read       success           1  0.500/s  250 ms  250 ms  250 ms  250 ms  2.00 KiB  1.00 KiB/s',
      '',
      'process  operations  errors  in storage     p50     p90     p99     max     bytes',
      '12                2       1      251 ms  500 µs  250 ms  250 ms  250 ms  2.00 KiB',
      '',
      'the slowest',
      '250 ms  read  success  process 12  after 0 ns',
      '500 µs  info  ENOENT   process 12  after 750 ms',
      '',
      'errors   1: info ENOENT 1',
      'storage  251 ms in operations, in 2.00 s (0.13 at a time)',
      'started  1 more: in flight, or lost with their process',
    ]);
  });

  it('says of how many operations percentiles are where samples were left out', () => {
    const summary = new Summary();
    summary.add(line({ latency: [point({}, 1, 1)], 'response.sum': [point({}, 4)] }));
    const lines = reportSummary(summary.result(1), plain);
    assert.ok(lines.includes('sampled  percentiles are of 1 of 4 operations'));
  });

  it('says when there was nothing', () => {
    assert.deepEqual(reportSummary(new Summary().result(), plain), ['no operation was recorded']);
  });
});
