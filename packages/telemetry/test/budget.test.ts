import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { resolveBudget } from '../src/budget.ts';
import { freeBytes, memoryLimitBytes } from '../src/tree/directory.ts';
import { scratch } from './server/stage.ts';

const MIB = 1024 * 1024;

suite('the budget of a journal', () => {
  test('is small by default, and no more than a part of what there is', (t) => {
    const directory = scratch(t);
    const { segmentMaxBytes, primaryMaxBytes, spillMaxBytes } = resolveBudget({}, directory);
    assert.deepEqual([segmentMaxBytes, spillMaxBytes], [MIB, 1024 * MIB]);
    assert.ok(primaryMaxBytes <= 64 * MIB && primaryMaxBytes > 0);
    assert.ok(primaryMaxBytes <= freeBytes(directory) / 2 && primaryMaxBytes <= memoryLimitBytes() * 0.05);
  });

  test('is none where nothing can be known of the directory', (t) => {
    assert.equal(resolveBudget({}, `${scratch(t)}/missing`).primaryMaxBytes, 0);
  });

  test('is what a user says', (t) => {
    const options = { segmentMaxBytes: 65_536, memoryMaxBytes: 0, spillMaxBytes: 5 };
    assert.deepEqual(resolveBudget(options, scratch(t)), {
      segmentMaxBytes: 65_536,
      primaryMaxBytes: 0,
      spillMaxBytes: 5,
    });
  });
});
