import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { encodeFrame, encodeFrames, FrameType, type Frame } from '../../src/journal/frame.ts';
import { RESCUE_SEGMENT, segmentFile, type JournalPlaces } from '../../src/journal/places.ts';
import { FIRST, scan, type Position } from '../../src/journal/chunk.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { segmentFrame } from '../../src/journal/writer.ts';
import { filled, ID, readAll } from './stage.ts';

const HEADER = { type: FrameType.SUMS, rows: 1, units: 1 };
const data = (sequence: number, bytes = 8): Uint8Array =>
  encodeFrame({ ...HEADER, sequence }, new Uint8Array(bytes));
const write = (sequence: number, ...sizes: readonly number[]): Uint8Array =>
  encodeFrames(
    sizes.map((bytes) => ({ ...HEADER, payload: new Uint8Array(bytes) })),
    sequence,
  );
const fileOf = ({ primary }: JournalPlaces, number: number): string =>
  path.join(primary, segmentFile(number));

function segment(places: JournalPlaces, number: number, ...frames: readonly Uint8Array[]): void {
  writeFileSync(fileOf(places, number), Buffer.concat([segmentFrame(ID, number), ...frames]));
}

const damaged = (sequence: number): Uint8Array => data(sequence).with(36, 0xff);
const sequences = (frames: readonly Frame[]): number[] =>
  frames.filter(({ type }) => type !== FrameType.SEGMENT).map(({ sequence }) => sequence);

function opened(t: { after(then: () => void): void }, places: JournalPlaces): JournalReader {
  const reader = new JournalReader(places);
  t.after(() => reader.close());
  return reader;
}

describe('a journal is read', () => {
  test('segment by segment, wherever each of them lies', (t) => {
    const places = filled(t);
    segment(places, 1, data(1), data(2));
    segment({ ...places, primary: places.spill as string }, 2, data(3));
    segment(places, 3, data(4));
    const { frames, to, chunks } = readAll(opened(t, places), FIRST);
    assert.deepEqual(sequences(frames), [1, 2, 3, 4]);
    assert.deepEqual(to, { segment: 3, offset: 56 + 40 });
    assert.deepEqual(
      chunks.map(({ from }) => from),
      [FIRST, ...chunks.slice(0, -1).map((chunk) => chunk.to)],
    );
  });

  test('as it grows, without anything twice', (t) => {
    const places = filled(t);
    const reader = opened(t, places);
    assert.equal(reader.read(FIRST, 1 << 20, false), undefined);
    segment(places, 1, data(1));
    const first = readAll(reader, FIRST);
    appendFileSync(fileOf(places, 1), data(2));
    const second = readAll(reader, first.to);
    segment(places, 2, data(3));
    const third = readAll(reader, second.to);
    assert.deepEqual(
      [first, second, third].map(({ frames }) => sequences(frames)),
      [[1], [2], [3]],
    );
    assert.equal(reader.read(third.to, 1 << 20, false), undefined);
  });

  test('in pieces of about the size that was asked for, but never less than a frame or a whole write', (t) => {
    const places = filled(t);
    segment(places, 1, data(1, 1000), data(2, 1000), write(3, 1000, 1000, 1000), data(6));
    const reader = opened(t, places);
    for (const maxBytes of [1, 100, 1100, 2500, 10_000]) {
      const { frames, chunks } = readAll(reader, FIRST, { maxBytes });
      assert.deepEqual(sequences(frames), [1, 2, 3, 4, 5, 6], `${maxBytes}`);
      for (const chunk of chunks) {
        assert.notEqual(sequences(chunk.frames).at(-1), 3, `${maxBytes}`);
        assert.notEqual(sequences(chunk.frames).at(-1), 4, `${maxBytes}`);
      }
      assert.ok(maxBytes > 5000 || chunks.length > 1, `${maxBytes}`);
    }
  });

  test('up to the last write that is whole, while its writer may still cut it back', (t) => {
    const places = filled(t);
    const reader = opened(t, places);
    const frames = write(2, 8, 8, 8);
    segment(places, 1, data(1), frames.slice(0, 80));
    const first = readAll(reader, FIRST);
    assert.deepEqual(sequences(first.frames), [1]);
    // No room for the third frame: cut back, and once more in the next segment.
    truncateSync(fileOf(places, 1), first.to.offset);
    segment(places, 2, frames);
    const second = readAll(reader, first.to);
    assert.deepEqual(sequences(second.frames), [2, 3, 4]);
    assert.equal(second.corruptBytes, 0);
  });

  test('with what is left of a write, when its writer was killed in it', (t) => {
    const places = filled(t);
    segment(places, 1, data(1), write(2, 8, 8, 8).slice(0, 85));
    const { frames, corruptBytes } = readAll(opened(t, places), FIRST, { ended: true });
    assert.deepEqual(sequences(frames), [1, 2, 3]);
    assert.equal(corruptBytes, 5);
  });
});

describe('a corrupt place', () => {
  test('is skipped up to the next whole frame, and counted', (t) => {
    const places = filled(t);
    segment(places, 1, data(1), damaged(2), damaged(3), data(4));
    const { frames, corruptBytes } = readAll(opened(t, places), FIRST);
    assert.deepEqual(sequences(frames), [1, 4]);
    assert.equal(corruptBytes, 80);
  });

  test('is waited behind while its writer lives and nothing whole has followed', (t) => {
    const places = filled(t);
    const reader = opened(t, places);
    segment(places, 1, data(1), damaged(2));
    const first = readAll(reader, FIRST);
    assert.deepEqual([sequences(first.frames), first.corruptBytes], [[1], 0]);
    appendFileSync(fileOf(places, 1), data(3));
    const second = readAll(reader, first.to);
    assert.deepEqual([sequences(second.frames), second.corruptBytes], [[3], 40]);
  });

  test('with a length beyond the file is skipped when the next segment exists', (t) => {
    const places = filled(t);
    const reader = opened(t, places);
    const endless = data(2);
    new DataView(endless.buffer).setUint32(12, 1 << 20, true);
    segment(places, 1, data(1), endless, data(3));
    const first = readAll(reader, FIRST);
    assert.deepEqual([sequences(first.frames), first.corruptBytes], [[1], 0]);
    segment(places, 2, data(4));
    const second = readAll(reader, first.to);
    assert.deepEqual([sequences(second.frames), second.corruptBytes], [[3, 4], 40]);
  });

  test('is read over once, however little is read at a time', (t) => {
    const places = filled(t);
    const garbage = new Uint8Array(5000).fill(0x4d);
    segment(places, 1, data(1), garbage, data(2), garbage);
    segment(places, 2, data(3));
    for (const maxBytes of [64, 1000, 1 << 20]) {
      const { frames, corruptBytes } = readAll(opened(t, places), FIRST, { maxBytes });
      assert.deepEqual([sequences(frames), corruptBytes], [[1, 2, 3], 10_000], `${maxBytes}`);
    }
  });
});

describe('files that are not as they should be', () => {
  test('a segment of another journal, or under another number, is passed over', (t) => {
    const places = filled(t);
    segment(places, 1, data(1));
    const stray = Buffer.concat([segmentFrame('f'.repeat(32), 2), data(1), data(2)]);
    writeFileSync(fileOf(places, 2), stray);
    writeFileSync(fileOf(places, 3), Buffer.concat([segmentFrame(ID, 1), data(7)]));
    segment(places, 4, data(3));
    const { frames, corruptBytes } = readAll(opened(t, places), FIRST, { maxBytes: 64 });
    assert.deepEqual([sequences(frames), corruptBytes], [[1, 3], 0]);
  });

  test('a segment whose first frame is damaged is read all the same', (t) => {
    const places = filled(t);
    writeFileSync(fileOf(places, 1), Buffer.concat([segmentFrame(ID, 1).with(40, 0xff), data(1)]));
    const { frames, corruptBytes } = readAll(opened(t, places), FIRST);
    assert.deepEqual([sequences(frames), corruptBytes], [[1], 56]);
  });

  test('a segment that is gone is waited for, and passed over when the writer is dead', (t) => {
    const places = filled(t);
    segment(places, 1, data(1));
    segment(places, 4, data(4));
    segment({ ...places, primary: places.spill as string }, 6, data(6));
    const reader = opened(t, places);
    assert.deepEqual(sequences(readAll(reader, FIRST).frames), [1]);
    const { frames, to } = readAll(reader, FIRST, { ended: true });
    assert.deepEqual(sequences(frames), [1, 4, 6]);
    assert.equal(to.segment, 6);
  });

  test('one that is there and cannot be read is never passed over', (t) => {
    const places = filled(t);
    mkdirSync(fileOf(places, 1));
    segment(places, 2, data(2));
    assert.throws(() => opened(t, places).read(FIRST, 1 << 20, true), { code: 'EISDIR' });
  });

  test('names that mean nothing are ignored', (t) => {
    const places = filled(t);
    for (const name of ['.00000001.segment', '1.segment', 'rescue.7.tmp', '00000001.segment.old']) {
      writeFileSync(path.join(places.primary, name), data(9));
    }
    const { frames, to } = readAll(opened(t, places), FIRST, { ended: true });
    assert.deepEqual([frames, to], [[], FIRST]);
  });
});

describe('the rescue file', () => {
  for (const place of ['primary', 'spill'] as const) {
    test(`is read last, and only when the writer is dead: in the ${place} directory`, (t) => {
      const places = filled(t);
      segment(places, 1, data(1));
      writeFileSync(path.join(places[place] as string, 'rescue'), data(2));
      segment(places, 2, data(3));
      const reader = opened(t, places);
      assert.ok(reader.hasRescue());
      assert.deepEqual(sequences(readAll(reader, FIRST).frames), [1, 3]);
      const { frames, to } = readAll(reader, FIRST, { ended: true });
      assert.deepEqual(sequences(frames), [1, 3, 2]);
      assert.deepEqual(to, { segment: RESCUE_SEGMENT, offset: 40 });
      assert.equal(reader.read(to, 1 << 20, true), undefined);
    });
  }

  test('may be all that there is', (t) => {
    const places = filled(t);
    const reader = opened(t, places);
    assert.ok(!reader.hasRescue());
    writeFileSync(path.join(places.primary, 'rescue'), data(1));
    assert.deepEqual(sequences(readAll(reader, FIRST, { ended: true }).frames), [1]);
  });
});

describe('what lies behind a position', () => {
  test('is pending: exact in one segment, and more when another one follows', (t) => {
    const places = filled(t);
    const reader = opened(t, places);
    assert.equal(reader.pendingBytes(FIRST), 0);
    segment(places, 1, data(1));
    assert.equal(reader.pendingBytes(FIRST), 96);
    const { to } = readAll(reader, FIRST);
    assert.equal(reader.pendingBytes(to), 0);
    appendFileSync(fileOf(places, 1), data(2));
    assert.equal(reader.pendingBytes(to), 40);
    segment(places, 2);
    assert.ok(reader.pendingBytes(to) > 40);
  });

  test('takes up bytes: of all segments and the rescue file', (t) => {
    const places = filled(t);
    const reader = opened(t, places);
    segment(places, 1, data(1));
    segment({ ...places, primary: places.spill as string }, 2, data(2), data(3));
    assert.equal(reader.bytesBehind(FIRST), 96 + 136);
    assert.equal(reader.bytesBehind({ segment: 1, offset: 96 }), 136);
    assert.equal(reader.bytesBehind({ segment: 2, offset: 136 }), 0);
    writeFileSync(path.join(places.primary, 'rescue'), data(4));
    assert.equal(reader.bytesBehind({ segment: 2, offset: 100 }), 36 + 40);
    assert.equal(reader.bytesBehind({ segment: RESCUE_SEGMENT, offset: 40 }), 0);
  });
});

describe('deletion', () => {
  test('takes the segments before a position, and those only', (t) => {
    const places = filled(t);
    const spilled = { ...places, primary: places.spill as string };
    for (const number of [1, 2, 4]) segment(places, number);
    segment(spilled, 3);
    const reader = opened(t, places);
    reader.deleteBefore({ segment: 1, offset: 96 });
    assert.deepEqual(readdirSync(places.primary).length, 3);
    reader.deleteBefore({ segment: 4, offset: 0 });
    assert.deepEqual(readdirSync(places.primary), [segmentFile(4)]);
    assert.deepEqual(readdirSync(spilled.primary), []);
    reader.deleteBefore({ segment: RESCUE_SEGMENT, offset: 0 });
    assert.deepEqual(readdirSync(places.primary), []);
  });

  test('goes on where another server left off', (t) => {
    const places = filled(t);
    for (const number of [7, 8, 9]) segment(places, number);
    opened(t, places).deleteBefore({ segment: 9, offset: 0 });
    assert.deepEqual(readdirSync(places.primary), [segmentFile(9)]);
  });

  test('of all takes the directories too, whatever is in them', (t) => {
    const places = filled(t);
    segment(places, 1);
    writeFileSync(path.join(places.primary, '.00000002.segment'), '');
    writeFileSync(path.join(places.spill as string, 'definitions'), '');
    const reader = opened(t, places);
    readAll(reader, FIRST);
    reader.deleteAll();
    assert.ok(!existsSync(places.primary) && !existsSync(places.spill as string));
    rmSync(path.dirname(places.primary), { recursive: true });
    reader.deleteAll();
  });
});

/** A part of a segment's file: frames, or what is none. */
type Part = { readonly sizes: readonly number[] } | { readonly garbage: Uint8Array };
const part: fc.Arbitrary<Part> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ sizes: fc.array(fc.nat(200), { minLength: 1, maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ garbage: fc.uint8Array({ maxLength: 100 }) }) },
);

describe('any journal', () => {
  test('gives every frame that was written, no other, and the same again', (t) => {
    let number = 0;
    const root = filled(t);
    const property = fc.property(
      fc.array(fc.array(part), { minLength: 1, maxLength: 4 }),
      fc.nat(3000),
      (segments, maxBytes) => {
        const primary = path.join(root.primary, String(number++));
        mkdirSync(primary);
        const places = { ...root, primary };
        const written: number[] = [];
        let garbageBytes = 0;
        for (const [index, parts] of segments.entries()) {
          const frames = parts.map((each) => {
            if ('garbage' in each) {
              const aligned = new Uint8Array((each.garbage.length + 7) & ~7);
              aligned.set(each.garbage);
              garbageBytes += aligned.length;
              return aligned;
            }
            const first = written.length + 1;
            written.push(...each.sizes.map((_, frame) => first + frame));
            return write(first, ...each.sizes);
          });
          segment(places, index + 1, ...frames);
        }
        const reader = new JournalReader(places);
        const { frames, to, corruptBytes, chunks } = readAll(reader, FIRST, { ended: true, maxBytes });
        assert.deepEqual(sequences(frames), written);
        assert.equal(corruptBytes, garbageBytes);
        // A killed server reads its plan's range again: from any position to any later one that it had reached.
        const positions = [FIRST, ...chunks.map((chunk) => chunk.to)];
        for (const [index, from] of positions.entries()) {
          const expected = chunks.slice(index).flatMap((chunk) => chunk.frames);
          const again = [...reader.readRange(from, to)];
          assert.deepEqual(
            again.flatMap((chunk) => chunk.frames),
            expected,
          );
          const counted = again.reduce((sum, chunk) => sum + chunk.corruptBytes, 0);
          assert.equal(
            counted,
            chunks.slice(index).reduce((sum, chunk) => sum + chunk.corruptBytes, 0),
          );
        }
        reader.close();
        rmSync(primary, { recursive: true });
      },
    );
    fc.assert(property, { numRuns: 60 });
  });

  test('of random bytes never throws and never goes beyond its end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, final) => {
        const from: Position = { segment: 1, offset: 800 };
        const { to, corruptBytes } = scan(bytes, from, ID, final);
        assert.ok(to.offset >= 800 && to.offset <= 800 + bytes.length);
        assert.ok(corruptBytes <= bytes.length);
        if (final) assert.equal(to.offset, 800 + bytes.length);
      }),
    );
  });
});
