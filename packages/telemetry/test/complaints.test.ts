import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { complaintsOf } from '../src/complaints.ts';
import { STATUS_FILE } from '../src/tree/requests.ts';
import { scratch } from './server/stage.ts';

const RECORDINGS = new Map([
  ['m', { signal: 'metrics' }],
  ['t', { signal: 'traces' }],
] as const);

function complaints(t: TestContext, status: object): string[] {
  const directory = scratch(t);
  writeFileSync(path.join(directory, STATUS_FILE), JSON.stringify(status), { mode: 0o600 });
  return complaintsOf(directory, RECORDINGS);
}

suite('what the server has said', () => {
  test('is heard where an exporter cannot be had, for its signal', (t) => {
    const configurations = {
      m: { exporter: 'a#B', state: 'failed', progress: 0, error: 'a cannot be loaded' },
      t: { exporter: 'otlp', state: 'failed', progress: 0 },
      other: { exporter: 'otlp', state: 'failed', progress: 0, error: 'another program says so' },
    };
    assert.deepEqual(complaints(t, { configurations }), [
      'a cannot be loaded: metrics are dropped',
      'exporter failed: traces are dropped',
    ]);
  });

  test('is not heard where it is well, or comes back by itself', (t) => {
    const configurations = {
      m: { exporter: 'otlp', state: 'away', progress: 0, error: '503' },
      'm.prometheus': {
        exporter: 'prometheus',
        state: 'ok',
        progress: 0,
        url: 'http://127.0.0.1:9464/metrics',
      },
    };
    const link = { host: 'h', port: 1, state: 'away', error: 'refused', errorCode: 'MSC_LINK_AWAY' };
    assert.deepEqual(complaints(t, { configurations, link }), []);
    assert.deepEqual(complaintsOf(scratch(t), RECORDINGS), []);
  });

  test('is heard where /metrics finds its port taken', (t) => {
    const scraped = { exporter: 'prometheus', state: 'ok', progress: 0, error: '/metrics cannot be served' };
    assert.deepEqual(complaints(t, { configurations: { m: scraped } }), [scraped.error]);
    const beside = { m: { exporter: 'otlp', state: 'ok', progress: 0 }, 'm.prometheus': scraped };
    assert.deepEqual(complaints(t, { configurations: beside }), [scraped.error]);
  });

  test('is heard where a link is refused', (t) => {
    const link = { host: 'h', port: 1, state: 'away', error: 'wrong secret', errorCode: 'MSC_LINK_REFUSED' };
    assert.deepEqual(complaints(t, { configurations: {}, link }), [
      'h:1: wrong secret: what is recorded stays in the journal',
    ]);
  });
});
