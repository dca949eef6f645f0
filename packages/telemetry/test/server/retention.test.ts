import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { suite, test } from 'node:test';
import { journalPlaces } from '../../src/journal/places.ts';
import { Retention, WHOLE } from '../../src/server/retention.ts';
import { spillDirectoryFor } from '../../src/tree/trees.ts';
import { Stage, T0 } from './stage.ts';

suite('retention', () => {
  test('deletes behind the slowest of those who read', (t) => {
    const stage = new Stage(t);
    const writer = stage.writer({ budget: { segmentMaxBytes: 65_536 } });
    const gauge = writer.metric('gauge', 'level');
    const places = journalPlaces(stage.directory, spillDirectoryFor(stage.directory), writer.id);
    const segments = (): string[] => readdirSync(places.primary).filter((name) => /^\d/u.test(name));
    while (segments().length < 4)
      writer.samples(T0, ...Array.from({ length: 1000 }, () => [gauge, 1] as const));
    const all = segments().length;
    const [fast, slow] = [{}, {}];
    const retention = new Retention(places, 2);
    assert.equal(retention.commit(fast, { segment: 4, offset: 0 }), false);
    assert.equal(segments().length, all, 'nobody knows yet how far the other one is');
    assert.equal(retention.commit(slow, { segment: 2, offset: 0 }), true);
    assert.equal(segments().length, all - 1);
    assert.equal(retention.commit(fast, WHOLE), false);
    assert.equal(segments().length, all - 1);
    assert.equal(retention.commit(slow, { segment: 3, offset: 0 }), true);
    assert.equal(segments().length, all - 2);
    assert.equal(retention.commit(slow, WHOLE), true);
    assert.equal(existsSync(places.primary), false);
    assert.equal(retention.commit(fast, WHOLE), true, 'asking again finds nothing left');
  });
});
