import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decimation } from '../../src/resample/decimation.ts';

test('places follow each other, also over a restart', () => {
  const before = new Decimation();
  assert.deepEqual([before.next(), before.next(), before.next()], [0, 1, 2]);
  const after = new Decimation(JSON.parse(JSON.stringify(before.state)) as number);
  assert.deepEqual([after.next(), before.next()], [3, 3]);
});
