import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { readTallies, Tally } from '../process-tree/tally.ts';

describe('Tally', () => {
  it('has every start and every end in its file at once', async (t) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'msc-tally-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const tally = new Tally(directory, 'some-role', 12, 3);
    const read = (): unknown => {
      const [{ started, ended, kinds }] = readTallies(directory);
      return [started, ended, kinds.read];
    };
    assert.deepEqual(read(), [0, 0, { success: 0, error: 0, bytes: 0 }]);
    const call = tally.count(
      'read',
      async () => 'value',
      ({ length }) => length,
    );
    assert.deepEqual(read(), [1, 0, { success: 0, error: 0, bytes: 0 }]);
    assert.equal(await call, 'value');
    assert.deepEqual(read(), [1, 1, { success: 1, error: 0, bytes: 5 }]);
    const error = new Error('as it was');
    await assert.rejects(
      tally.count('list', () => Promise.reject(error)),
      error,
    );
    const [{ role, pid, threadId, started, ended, kinds }] = readTallies(directory);
    assert.deepEqual([role, pid, threadId, started, ended], ['some-role', 12, 3, 2, 2]);
    assert.deepEqual(kinds.list, { success: 0, error: 1, bytes: 0 });
    assert.equal(tally.started, 2);
  });
});
