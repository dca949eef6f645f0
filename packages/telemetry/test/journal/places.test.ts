import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { findSegment, journalPlaces, RESCUE_SEGMENT, segmentFile } from '../../src/journal/places.ts';
import { filled } from './stage.ts';

test('a journal lies in its tree, and mirrored in the spill directory', () => {
  const places = journalPlaces('/tree', '/disk/spill', 'abc');
  assert.deepEqual(places, {
    id: 'abc',
    primary: path.join('/tree', 'journals', 'abc'),
    spill: path.join('/disk/spill', 'abc'),
  });
  assert.equal(journalPlaces('/tree', undefined, 'abc').spill, undefined);
});

test('names of segments sort as their numbers do, as far as eight digits go', () => {
  assert.deepEqual([1, 12, 99_999_999, 100_000_000].map(segmentFile), [
    '00000001.segment',
    '00000012.segment',
    '99999999.segment',
    '100000000.segment',
  ]);
  assert.equal(segmentFile(RESCUE_SEGMENT), 'rescue');
});

describe('findSegment', () => {
  test('finds a segment in either place', (t) => {
    const places = filled(t);
    const spill = places.spill as string;
    const names = [path.join(places.primary, segmentFile(1)), path.join(spill, segmentFile(2))];
    names.push(path.join(spill, 'rescue'));
    for (const name of names) writeFileSync(name, '');
    assert.deepEqual(
      [1, 2, RESCUE_SEGMENT].map((segment) => findSegment(places, segment)),
      names,
    );
    assert.equal(findSegment(places, 3), undefined);
    assert.equal(findSegment({ ...places, spill: undefined }, 2), undefined);
  });

  test('does not see a segment that is not complete', (t) => {
    const places = filled(t);
    writeFileSync(path.join(places.primary, `.${segmentFile(1)}`), '');
    assert.equal(findSegment(places, 1), undefined);
  });
});
