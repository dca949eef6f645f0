import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeAttributes } from '../../src/journal/attributes.ts';
import { Dictionary } from '../../src/journal/dictionary.ts';
import type { JournalDefinition } from '../../src/journal/definitions.ts';
import { DEFINITIONS_FILE, segmentFile } from '../../src/journal/places.ts';
import { FIRST, scan } from '../../src/journal/chunk.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import { BUDGET, filled, ID, places, readAll } from './stage.ts';
import { describeFrame, encode, vector, VECTORS, type Vector, type VectorFrame } from './vectors.ts';

const DATA = VECTORS.filter(({ name }) => !['journal', 'definitions', 'file-definitions'].includes(name));
const at = (each: Vector): { segment: number; offset: number } => ({
  segment: each.frames[0].segment ?? 1,
  offset: 0,
});

/** Frames of the writes that end within so many bytes. */
function complete({ frames, ends }: Vector, length: number): readonly VectorFrame[] {
  const whole = ends.filter((end) => end <= length).length - 1;
  return frames.slice(0, frames.findLastIndex(({ flags }, index) => index < whole && flags !== 1) + 1);
}

for (const each of VECTORS) {
  describe(`vector ${each.name}`, () => {
    test('is what these frames are encoded to', () => {
      assert.equal(Buffer.from(encode(each.frames)).toString('hex'), Buffer.from(each.bytes).toString('hex'));
    });

    test('is decoded to these frames', () => {
      const { frames, to, corruptBytes } = scan(each.bytes, at(each), ID, false);
      assert.deepEqual(frames.map(describeFrame), each.frames);
      assert.deepEqual({ to: to.offset, corruptBytes }, { to: each.bytes.length, corruptBytes: 0 });
    });

    test('cut anywhere, gives the writes that are whole, and the rest when it comes', () => {
      for (let cut = 0; cut <= each.bytes.length; cut++) {
        const first = scan(each.bytes.slice(0, cut), at(each), ID, false);
        assert.deepEqual(first.frames.map(describeFrame), complete(each, cut), `cut at ${cut}`);
        const second = scan(each.bytes.slice(first.to.offset), first.to, ID, false);
        assert.deepEqual(
          [...first.frames, ...second.frames].map(describeFrame),
          each.frames,
          `cut at ${cut}`,
        );
        assert.equal(first.corruptBytes + second.corruptBytes, 0, `cut at ${cut}`);
      }
    });

    test('cut anywhere by the end of its writer, gives the whole frames and counts the tail', () => {
      for (let cut = 0; cut <= each.bytes.length; cut++) {
        const whole = each.ends.findLastIndex((end) => end <= cut);
        const { frames, to, corruptBytes } = scan(each.bytes.slice(0, cut), at(each), ID, true);
        assert.deepEqual(frames.map(describeFrame), each.frames.slice(0, whole), `cut at ${cut}`);
        assert.deepEqual(
          { to: to.offset, corruptBytes },
          { to: cut, corruptBytes: cut - each.ends[whole] },
          `cut at ${cut}`,
        );
      }
    });

    test('loses exactly the frame of which any one byte is damaged', () => {
      for (let damaged = 0; damaged < each.bytes.length; damaged++) {
        const bytes = each.bytes.slice();
        bytes[damaged] ^= 1 << (damaged & 7);
        const hit = each.ends.findIndex((end) => end > damaged) - 1;
        const { frames, corruptBytes } = scan(bytes, at(each), ID, true);
        assert.deepEqual(frames.map(describeFrame), each.frames.toSpliced(hit, 1), `byte ${damaged}`);
        assert.equal(corruptBytes, each.ends[hit + 1] - each.ends[hit], `byte ${damaged}`);
      }
    });
  });
}

for (const each of DATA) {
  describe(`file of vector ${each.name}`, () => {
    test('in two writes, split anywhere, is read while its writer lives', (t) => {
      const { primary, ...rest } = filled(t);
      for (let cut = 0; cut <= each.bytes.length; cut++) {
        const place = { ...rest, primary: path.join(primary, String(cut)) };
        mkdirSync(place.primary);
        const file = path.join(place.primary, segmentFile(at(each).segment));
        const reader = new JournalReader(place);
        writeFileSync(file, each.bytes.subarray(0, cut));
        const first = readAll(reader, at(each));
        assert.deepEqual(first.frames.map(describeFrame), complete(each, cut), `cut at ${cut}`);
        appendFileSync(file, each.bytes.subarray(cut));
        const second = readAll(reader, first.to);
        assert.deepEqual(
          [...first.frames, ...second.frames].map(describeFrame),
          each.frames,
          `cut at ${cut}`,
        );
        assert.equal(first.corruptBytes + second.corruptBytes, 0, `cut at ${cut}`);
        reader.close();
      }
    });

    test('cut anywhere, is read when its writer is dead, and when it has gone on to another segment', (t) => {
      const { primary, ...rest } = filled(t);
      const { segment } = at(each);
      const next = encode([{ type: 'segment', journal: ID, segment: segment + 1 }]);
      for (let cut = 0; cut <= each.bytes.length; cut++) {
        const whole = each.ends.findLastIndex((end) => end <= cut);
        const place = { ...rest, primary: path.join(primary, String(cut)) };
        mkdirSync(place.primary);
        writeFileSync(path.join(place.primary, segmentFile(segment)), each.bytes.subarray(0, cut));
        const reader = new JournalReader(place);
        const dead = readAll(reader, at(each), { ended: true });
        assert.deepEqual(dead.frames.map(describeFrame), each.frames.slice(0, whole), `cut at ${cut}`);
        assert.equal(dead.corruptBytes, cut - each.ends[whole], `cut at ${cut}`);
        writeFileSync(path.join(place.primary, segmentFile(segment + 1)), next);
        const { frames } = readAll(reader, at(each));
        assert.deepEqual(frames.length, whole + 1, `cut at ${cut}`);
        assert.deepEqual(describeFrame(frames[whole]).segment, segment + 1);
        reader.close();
      }
    });
  });
}

describe('files', () => {
  test('a segment is what the writer writes', (t) => {
    const place = places(t);
    const { frames, bytes, ends } = vector('file-segment');
    const writer = new JournalWriter(place, definitionOf('file-definitions'), BUDGET);
    for (const [from, to] of [
      [1, 5],
      [5, 6],
      [6, 7],
      [7, 8],
    ]) {
      const write = bytes.slice(ends[from], ends[to]);
      assert.ok(writer.append(write, write.length));
    }
    writer.close();
    assert.equal(frames.length, 8);
    assert.deepEqual(new Uint8Array(readFileSync(path.join(place.primary, segmentFile(1)))), bytes);
  });

  test('a definitions file is what the writer writes', (t) => {
    const place = places(t);
    const { bytes, ends } = vector('file-definitions');
    const writer = new JournalWriter(place, definitionOf('file-definitions'), BUDGET);
    for (let index = 1; index < ends.length - 1; index++) {
      assert.ok(writer.define(bytes.slice(ends[index], ends[index + 1])));
    }
    writer.close();
    assert.deepEqual(new Uint8Array(readFileSync(path.join(place.primary, DEFINITIONS_FILE))), bytes);
  });

  test('a rescue file comes behind every segment of a dead writer', (t) => {
    const place = filled(t);
    writeFileSync(path.join(place.primary, segmentFile(1)), vector('file-segment').bytes);
    writeFileSync(path.join(place.primary, 'rescue'), vector('file-rescue').bytes);
    const reader = new JournalReader(place);
    t.after(() => reader.close());
    const alive = readAll(reader, FIRST);
    assert.deepEqual(alive.frames.map(describeFrame), vector('file-segment').frames);
    const dead = readAll(reader, alive.to, { ended: true });
    assert.deepEqual(dead.frames.map(describeFrame), vector('file-rescue').frames);
  });

  test('definitions, split anywhere, are known as soon as they are whole', (t) => {
    const { primary, ...rest } = filled(t);
    const { bytes, ends, frames } = vector('file-definitions');
    const defined = frames.flatMap(({ json }) => {
      const { series = [] } = json as { series?: readonly { id: number; attributes: unknown }[] };
      return series.map(({ id, attributes }) => ({ id, attributes: decodeAttributes(attributes) }));
    });
    assert.equal(defined.length, 9);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const place = { ...rest, primary: path.join(primary, String(cut)) };
      mkdirSync(place.primary);
      const file = path.join(place.primary, DEFINITIONS_FILE);
      writeFileSync(file, bytes.subarray(0, cut));
      const dictionary = new Dictionary(place);
      const isKnown = cut >= ends[1];
      assert.deepEqual(
        dictionary.definition,
        isKnown ? definitionOf('file-definitions') : undefined,
        `cut at ${cut}`,
      );
      appendFileSync(file, bytes.subarray(cut));
      dictionary.refresh();
      assert.deepEqual(
        defined.map(({ id }) => dictionary.series(id)?.attributes),
        defined.map(({ attributes }) => attributes),
        `cut at ${cut}`,
      );
    }
  });
});

test('the worked example of PROTOCOL.md is a vector', () => {
  const text = readFileSync(fileURLToPath(new URL('../../../PROTOCOL.md', import.meta.url)), 'utf8');
  const [, example = ''] = /```hex\n([^`]*)```/.exec(text) ?? [];
  const digits = example
    .split('\n')
    .map((line) => line.replace(/^\s*\d+ {2}/, '').replace(/ {2}.*$/, ''))
    .join('')
    .replaceAll(' ', '');
  assert.equal(digits, Buffer.from(vector('samples').bytes).toString('hex'));
});

function definitionOf(name: string): JournalDefinition {
  return vector(name).frames[0].json as JournalDefinition;
}
