import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Paint } from '../src/report.ts';
import { statusLines } from '../src/status-text.ts';
import { tree } from './trees.ts';

const plain: Paint = (_, text) => text;

const TREE = tree(
  {
    da97af60b4d2cf2a: {
      signal: 'metrics',
      recorded: 12_345,
      exported: 12_000,
      journalBytes: 3 * 1024,
      requests: { accepted: 41, retry: 2, rejected: 1 },
      lagSeconds: 1.2,
      exportSeconds: 0.035,
    },
    'da97af60b4d2cf2a.prometheus': {
      signal: 'metrics',
      exporter: 'prometheus',
      requests: {},
      url: 'http://127.0.0.1:9464/metrics',
    },
    '237e0ee7197fadec': {
      exporter: './somewhere/exporters.js#VeryOwnExporter',
      state: 'away',
      error: `connect ECONNREFUSED ${'x'.repeat(90)}`,
    },
  },
  { server: { pid: 7, state: 'alive' } },
);

describe('the text of a status', () => {
  it('shows all that is known of each configuration', () => {
    const lines = statusLines(TREE, 200, plain);
    assert.deepEqual(lines.slice(0, 7), [
      '/tree',
      'server   process 7, alive',
      'scrape   http://127.0.0.1:9464/metrics',
      'config          signal   exporter                  state  writers   waiting     lag   export  recorded  exported  merged  journaled  dropped  requests  retried  rejected',
      'da97af          metrics  otlp                      ok           1  3.00 KiB  1.20 s  35.0 ms    12,345    12,000       0        345        0        41        2         1',
      'da97af/metrics  metrics  prometheus                ok           1       0 B       –        –         0         0       0          0        0         0        0         0',
      '237e0e          –        …ters.js#VeryOwnExporter  away         1       0 B       –        –         0         0       0          0        0         –        –         –',
    ]);
  });

  it('is no wider than there is room', () => {
    const rates = { recordedPerSecond: 5e6, exportedPerSecond: 1.5, waitingBytesPerSecond: -1e7 };
    const huge = tree({ ...TREE.configurations, a: { recorded: 1e15, exported: 5e14 } });
    const look = { ...TREE, ...huge, rates: { da97af60b4d2cf2a: rates } };
    for (const width of [50, 80, 100, 140]) {
      const lines = statusLines(look, width, plain);
      assert.deepEqual(
        lines.filter((line) => line.length > width),
        [],
      );
      const text = lines.join('\n');
      for (const word of ['5,000,000/s', '1.50/s', '-9.54 MiB/s', '1,000,000,000,000,000'])
        assert.ok(text.includes(word));
    }
  });
});
