import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { encodeFrame, encodeJsonFrame, FrameType } from '../../src/journal/frame.ts';
import { segmentFile } from '../../src/journal/places.ts';
import { FIRST } from '../../src/journal/chunk.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { resume } from '../../src/journal/resume.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import { packDefinitions } from '../../src/link/parcel.ts';
import { BUDGET, DEFINITION, places, readAll } from './stage.ts';

const data = (sequence: number): Uint8Array =>
  encodeFrame({ type: FrameType.SUMS, sequence, rows: 1, units: 1 }, new Uint8Array(40));
const definition = (id: number): Uint8Array =>
  encodeJsonFrame({ type: FrameType.DEFINITIONS, sequence: 0, rows: 1, units: 0 }, { series: [{ id }] });
const append = (writer: JournalWriter, frame: Uint8Array): boolean => writer.append(frame, frame.length);

describe('a journal is resumed', () => {
  test('behind its last whole frame, in a new segment', (t) => {
    const place = places(t);
    const former = new JournalWriter(place, DEFINITION, BUDGET);
    append(former, data(1));
    append(former, data(2));
    former.close();
    appendFileSync(path.join(place.primary, segmentFile(1)), data(3).subarray(0, 40));
    appendFileSync(path.join(place.primary, 'definitions'), definition(1).subarray(0, 40));
    const resumption = resume(place);
    assert.deepEqual([resumption.number, resumption.sequence], [1, 2]);
    const writer = new JournalWriter(place, resumption, BUDGET);
    assert.equal(writer.definitionsBytes, former.definitionsBytes);
    assert.ok(writer.define(definition(2)) && append(writer, data(3)));
    assert.equal(writer.definitionsBytes, former.definitionsBytes + definition(2).length);
    writer.close();
    const reader = new JournalReader(place);
    const { frames, corruptBytes } = readAll(reader, FIRST);
    reader.close();
    assert.deepEqual(
      frames.filter(({ type }) => type === FrameType.SUMS).map(({ sequence }) => sequence),
      [1, 2, 3],
    );
    assert.equal(corruptBytes, 40, 'what was torn');
    assert.equal(resume(place).sequence, 3);
  });

  test('in the spill directory, where its definitions had to go on there', (t) => {
    const place = places(t);
    const spill = place.spill as string;
    new JournalWriter(place, DEFINITION, BUDGET).close();
    const [first, second] = [definition(1), definition(2)];
    const former = readFileSync(path.join(place.primary, 'definitions')).length;
    // A write that failed there, and could not be cut back.
    appendFileSync(path.join(place.primary, 'definitions'), first.subarray(0, 40));
    mkdirSync(spill, { recursive: true, mode: 0o700 });
    writeFileSync(path.join(spill, 'definitions'), first);
    writeFileSync(path.join(spill, segmentFile(7)), data(9));
    const resumption = resume(place);
    assert.deepEqual([resumption.number, resumption.sequence], [7, 9]);
    const writer = new JournalWriter(place, resumption, BUDGET);
    t.after(() => writer.close());
    assert.equal(writer.definitionsBytes, former + first.length);
    assert.ok(writer.define(second));
    assert.deepEqual([...readFileSync(path.join(spill, 'definitions'))], [...first, ...second]);
    const bytes = (offset: number): number[] =>
      packDefinitions(place, offset).flatMap((piece) => [...piece.bytes]);
    const all = bytes(0);
    assert.equal(all.length, writer.definitionsBytes);
    for (const offset of [former, former + first.length, all.length]) {
      assert.deepEqual(bytes(offset), all.slice(offset));
    }
  });
});
