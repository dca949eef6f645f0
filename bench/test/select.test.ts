import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isNeeded, isSelected, unknownNames } from '../src/select.ts';

const NAMES = ['record/bound', 'record/same-object', 'path/throughput', 'idle/cpu'];

suite('select', () => {
  test('a name stands for all below it, and nothing stands for all', () => {
    assert.ok(isSelected([], 'idle/cpu'));
    assert.ok(isSelected(['record'], 'record/bound/3x1'));
    assert.ok(isSelected(['idle', 'record/bound'], 'record/bound'));
    assert.ok(!isSelected(['record/bound'], 'record/same-object'));
    assert.ok(!isSelected(['rec'], 'record/bound'));
  });

  test('a bench runs for a name above or below of what it says', () => {
    assert.ok(isNeeded(['record/bound/3x1'], 'record/bound'));
    assert.ok(isNeeded(['record'], 'record/bound'));
    assert.ok(!isNeeded(['path'], 'record/bound'));
  });

  test('names that stand for nothing are told', () => {
    assert.deepEqual(unknownNames(['record', 'idle/cpu', 'path/throughput/x'], NAMES), []);
    assert.deepEqual(unknownNames(['rec', 'idle', 'speed/'], NAMES), ['rec', 'speed/']);
  });
});
