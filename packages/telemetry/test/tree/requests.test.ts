import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { complaintsOf } from '../../src/complaints.ts';
import { readServerStatus, STATUS_FILE } from '../../src/tree/requests.ts';
import { scratch } from './scratch.ts';

const DIGEST = 'da97af60b4d2cf2a';
const STATUS = {
  pid: 7,
  startedAtMillis: 1,
  link: { host: 'here', port: 4400, state: 'away', error: 'refused', errorCode: 'MSC_LINK_REFUSED' },
  configurations: {
    [DIGEST]: { exporter: 'otlp', state: 'failed', progress: 3, error: 'no such module', requests: {} },
  },
};

suite('the status of a server', () => {
  test('is read as it was written', (t) => {
    const tree = scratch(t);
    assert.equal(readServerStatus(tree), undefined);
    writeFileSync(join(tree, STATUS_FILE), JSON.stringify(STATUS), { mode: 0o600 });
    assert.deepEqual(readServerStatus(tree), STATUS);
  });

  test('with anything else in it, or in its place, is none, and no program hears of it', (t) => {
    const tree = scratch(t);
    const file = join(tree, STATUS_FILE);
    writeFileSync(file, '');
    chmodSync(file, 0o600);
    const recordings = new Map([[DIGEST, { signal: 'metrics' }]] as const);
    const paths = [[], ['link'], ['link', 'host'], ['link', 'error'], ['configurations']];
    const inside = ['exporter', 'state', 'error'].map((key) => ['configurations', DIGEST, key]);
    const places = [...paths, ['configurations', DIGEST], ...inside];
    // None of these is right in any of the places, and a text can be made of none of them.
    const wrong = fc.oneof(fc.constant(null), fc.constant({ toString: 1 }), fc.array(fc.jsonValue()));
    fc.assert(
      fc.property(fc.constantFrom(...places), wrong, (place, value) => {
        writeFileSync(file, JSON.stringify(replaced(STATUS, place, value)));
        assert.equal(readServerStatus(tree), undefined);
        assert.deepEqual(complaintsOf(tree, recordings), []);
      }),
    );
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        writeFileSync(file, text);
        complaintsOf(tree, recordings);
      }),
    );
  });
});

function replaced(object: object, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const inner = (object as Record<string, object>)[key];
  return { ...object, [key]: replaced(inner, rest, value) };
}
