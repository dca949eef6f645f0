import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Dictionary } from '../../src/journal/dictionary.ts';
import { encodeFrame, encodeFrames, encodeJsonFrame, FrameType } from '../../src/journal/frame.ts';
import { segmentFile, type JournalPlaces } from '../../src/journal/places.ts';
import { FIRST } from '../../src/journal/chunk.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { appendWhole, JournalWriter, type JournalBudget } from '../../src/journal/writer.ts';
import { BUDGET, DEFINITION, inMemory, leaveFree, needsMount, places, readAll } from './stage.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Longer than the writer waits before it looks at its places again. */
const RETRY_MILLIS = 150;

const data = (sequence: number, bytes: number): Uint8Array =>
  encodeFrame({ type: FrameType.SUMS, sequence, rows: 1, units: 1 }, new Uint8Array(bytes - 32));
const definition = (id: number, padding = 0): Uint8Array => {
  const series = [{ id, instrument: 1, attributes: [['padding', 'x'.repeat(padding)]] }];
  return encodeJsonFrame({ type: FrameType.DEFINITIONS, sequence: 0, rows: 1, units: 0 }, { series });
};

function writerIn(t: TestContext, place: JournalPlaces, budget: Partial<JournalBudget> = {}): JournalWriter {
  const writer = new JournalWriter(place, DEFINITION, { ...BUDGET, ...budget });
  t.after(() => writer.close());
  return writer;
}

const append = (writer: JournalWriter, frame: Uint8Array, force = false): boolean =>
  writer.append(frame, frame.length, force);

function sequencesIn(place: JournalPlaces): number[] {
  const reader = new JournalReader(place);
  const { frames, corruptBytes } = readAll(reader, FIRST, { ended: true });
  reader.close();
  assert.equal(corruptBytes, 0);
  return frames.filter(({ type }) => type !== FrameType.SEGMENT).map(({ sequence }) => sequence);
}

const segmentsIn = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory)
        .filter((name) => name.endsWith('.segment'))
        .toSorted()
    : [];
const numbersIn = (directory: string): number[] =>
  segmentsIn(directory).map((name) => Number.parseInt(name, 10));

const bytesIn = (directory: string): number =>
  segmentsIn(directory).reduce((sum, name) => sum + statSync(path.join(directory, name)).size, 0);

describe('a new journal', () => {
  test('appears under its name with its first frame in it, for nobody else', (t) => {
    const place = places(t);
    writerIn(t, place);
    assert.deepEqual(readdirSync(path.dirname(place.primary)), [place.id]);
    assert.deepEqual(readdirSync(place.primary), ['definitions']);
    assert.deepEqual(new Dictionary(place).definition, DEFINITION);
    if (process.platform === 'win32') return;
    assert.equal(statSync(place.primary).mode & 0o777, 0o700);
    assert.equal(statSync(path.join(place.primary, 'definitions')).mode & 0o777, 0o600);
  });

  test('that cannot be had is an error, and leaves nothing behind', (t) => {
    const place = places(t);
    mkdirSync(path.join(place.primary, 'in the way'), { recursive: true });
    assert.throws(() => new JournalWriter(place, DEFINITION, BUDGET), {
      name: 'TelemetryError',
      code: 'MSC_ADDRESS_UNUSABLE',
    });
    assert.deepEqual(readdirSync(path.dirname(place.primary)), [place.id]);
  });

  test('has no segment before there is something to write', (t) => {
    const place = places(t);
    const writer = writerIn(t, place);
    assert.equal(writer.outstandingBytes, 0);
    assert.ok(append(writer, data(1, 40)));
    assert.deepEqual(numbersIn(place.primary), [1]);
    assert.equal(writer.outstandingBytes, 96);
    if (process.platform === 'win32') return;
    assert.equal(statSync(path.join(place.primary, segmentFile(1))).mode & 0o777, 0o600);
  });
});

describe('rotation', () => {
  test('closes a segment before it grows beyond its bound', (t) => {
    const place = places(t);
    const writer = writerIn(t, place, { segmentMaxBytes: 1000 });
    for (let sequence = 1; sequence <= 10; sequence++) assert.ok(append(writer, data(sequence, 400)));
    assert.deepEqual(numbersIn(place.primary), [1, 2, 3, 4, 5]);
    for (const name of segmentsIn(place.primary)) {
      assert.equal(statSync(path.join(place.primary, name)).size, 56 + 800);
    }
    assert.deepEqual(sequencesIn(place), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual(
      readdirSync(place.primary).filter((name) => name.startsWith('.')),
      [],
    );
  });

  test('gives a batch that is larger a segment of its own', (t) => {
    const place = places(t);
    const writer = writerIn(t, place, { segmentMaxBytes: 1000 });
    for (const [index, bytes] of [400, 5000, 400, 400].entries()) {
      assert.ok(append(writer, data(index + 1, bytes)));
    }
    assert.deepEqual(numbersIn(place.primary), [1, 2, 3]);
    assert.deepEqual(sequencesIn(place), [1, 2, 3, 4]);
  });
});

describe('budgets', () => {
  test('when the primary place is used up, the next segments lie in the spill directory', (t) => {
    const place = places(t);
    const spill = place.spill as string;
    const writer = writerIn(t, place, { segmentMaxBytes: 1000, primaryMaxBytes: 2000 });
    for (let sequence = 1; sequence <= 8; sequence++) assert.ok(append(writer, data(sequence, 800)));
    assert.deepEqual(numbersIn(place.primary), [1, 2]);
    assert.deepEqual(numbersIn(spill), [3, 4, 5, 6, 7, 8]);
    assert.deepEqual(sequencesIn(place), [1, 2, 3, 4, 5, 6, 7, 8]);
    if (process.platform !== 'win32') assert.equal(statSync(spill).mode & 0o777, 0o700);
  });

  test('when both are used up, nothing is written, until the server has deleted something', async (t) => {
    const place = places(t);
    const spill = place.spill as string;
    const budget = { segmentMaxBytes: 1000, primaryMaxBytes: 1000, spillMaxBytes: 1000 };
    const writer = writerIn(t, place, budget);
    assert.ok(append(writer, data(1, 800)));
    assert.ok(append(writer, data(2, 800)));
    assert.ok(!append(writer, data(3, 800)));
    unlinkSync(path.join(place.primary, segmentFile(1)));
    await setTimeout(RETRY_MILLIS);
    assert.ok(append(writer, data(4, 800)));
    assert.deepEqual([numbersIn(place.primary), numbersIn(spill)], [[3], [2]]);
    assert.ok(!append(writer, data(5, 800)));
    unlinkSync(path.join(spill, segmentFile(2)));
    await setTimeout(RETRY_MILLIS);
    assert.ok(append(writer, data(6, 800)));
    assert.deepEqual([numbersIn(place.primary), numbersIn(spill)], [[3], [4]]);
  });

  test('hold for each segment, also where it could be larger than the budget', (t) => {
    const place = places(t);
    const writer = writerIn(t, place, { primaryMaxBytes: 1000, spillMaxBytes: 2000 });
    for (let sequence = 1; sequence < 20 && append(writer, data(sequence, 400)); sequence++);
    assert.deepEqual([bytesIn(place.primary), bytesIn(place.spill as string)], [856, 1656]);
  });

  test('of nothing allow nothing', (t) => {
    const place = places(t);
    const writer = writerIn(t, place, { primaryMaxBytes: 0, spillMaxBytes: 0 });
    assert.ok(!append(writer, data(1, 400)));
    const onDisk = writerIn(t, places(t), { primaryMaxBytes: 0 });
    assert.ok(append(onDisk, data(1, 400)));
    assert.deepEqual(numbersIn(onDisk.places.primary), []);
    assert.deepEqual(numbersIn(onDisk.places.spill as string), [1]);
  });

  test('do not hold for the last words of a process', (t) => {
    const place = places(t);
    const writer = writerIn(t, place, { primaryMaxBytes: 0, spillMaxBytes: 0 });
    assert.ok(!append(writer, data(1, 400)));
    assert.ok(append(writer, data(2, 400), true));
    assert.deepEqual(sequencesIn(place), [2]);
  });

  test('have one place where there is no spill directory', (t) => {
    const place = { ...places(t), spill: undefined };
    const writer = writerIn(t, place, { segmentMaxBytes: 1000, primaryMaxBytes: 1000 });
    assert.ok(append(writer, data(1, 800)));
    assert.ok(!append(writer, data(2, 800)));
    assert.deepEqual(sequencesIn(place), [1]);
  });
});

describe('a file system without room', needsMount, () => {
  test('is left to others before it is full', (t) => {
    const { place, memory } = inMemory(t);
    const writer = writerIn(t, place, { segmentMaxBytes: 100 * KIB });
    assert.ok(append(writer, data(1, 90 * KIB)));
    leaveFree(memory, 3 * MIB);
    assert.ok(append(writer, data(2, 90 * KIB)));
    assert.deepEqual([numbersIn(place.primary), numbersIn(place.spill as string)], [[1], [2]]);
  });

  test('in the middle of a write: it is cut back, and made again in the spill directory', (t) => {
    const { place, memory } = inMemory(t);
    const writer = writerIn(t, place);
    assert.ok(append(writer, data(1, 10 * KIB)));
    const { size } = statSync(path.join(place.primary, segmentFile(1)));
    leaveFree(memory, 20 * KIB);
    const parts = [8, 30].map((kib) => ({
      type: FrameType.SUMS,
      rows: 1,
      units: 1,
      payload: new Uint8Array(kib * KIB),
    }));
    assert.ok(append(writer, encodeFrames(parts, 2)));
    assert.equal(statSync(path.join(place.primary, segmentFile(1))).size, size);
    assert.deepEqual([numbersIn(place.primary), numbersIn(place.spill as string)], [[1], [2]]);
    assert.deepEqual(sequencesIn(place), [1, 2, 3]);
  });

  test('in both places: nothing is left of the attempt, and it goes on when there is room again', async (t) => {
    const { place, memory } = inMemory(t);
    const inSameMemory = { ...place, spill: path.join(memory, 'spill', place.id) };
    const writer = writerIn(t, inSameMemory);
    assert.ok(append(writer, data(1, 10 * KIB)));
    const makeRoom = leaveFree(memory, 0);
    assert.ok(!append(writer, data(2, 40 * KIB)));
    assert.ok(!append(writer, data(2, 40 * KIB), true));
    assert.deepEqual(readdirSync(place.primary).toSorted(), ['00000001.segment', 'definitions']);
    assert.deepEqual(sequencesIn(inSameMemory), [1]);
    makeRoom();
    await setTimeout(RETRY_MILLIS);
    assert.ok(append(writer, data(3, 40)));
    // Not behind a place where a tail may be torn.
    assert.deepEqual(numbersIn(place.primary), [1, 2]);
    assert.deepEqual(sequencesIn(inSameMemory), [1, 3]);
  });

  test('for definitions: they go on in the spill directory', (t) => {
    const { place, memory } = inMemory(t);
    const writer = writerIn(t, place);
    const instrument = {
      id: 1,
      kind: 'gauge',
      scope: { name: '' },
      name: 'g',
      unit: '',
      description: '',
      valueType: 'double',
    };
    const header = { type: FrameType.DEFINITIONS, sequence: 0, rows: 1, units: 0 };
    assert.ok(writer.define(encodeJsonFrame(header, { instruments: [instrument] })));
    leaveFree(memory, 8 * KIB);
    for (let id = 1; id <= 8; id++) assert.ok(writer.define(definition(id, 4 * KIB)));
    const dictionary = new Dictionary(place);
    for (let id = 1; id <= 8; id++) assert.equal(dictionary.series(id)?.instrument.name, 'g', `${id}`);
    assert.ok(existsSync(path.join(place.spill as string, 'definitions')));
  });

  test('for definitions, in both places: they are refused whole, and taken later', (t) => {
    const { place, memory } = inMemory(t);
    const writer = writerIn(t, { ...place, spill: undefined });
    const makeRoom = leaveFree(memory, 8 * KIB);
    const { size } = statSync(path.join(place.primary, 'definitions'));
    assert.ok(!writer.define(definition(1, 20 * KIB)));
    assert.equal(statSync(path.join(place.primary, 'definitions')).size, size);
    makeRoom();
    assert.ok(writer.define(definition(1, 20 * KIB)));
  });

  test('for a new journal: an error, and nothing left behind', (t) => {
    const { place, memory } = inMemory(t);
    leaveFree(memory, 0);
    const file = path.join(memory, 'no-directory');
    assert.throws(() => new JournalWriter({ ...place, spill: file }, DEFINITION, BUDGET), {
      code: 'MSC_ADDRESS_UNUSABLE',
    });
    assert.deepEqual(readdirSync(path.dirname(place.primary)), []);
  });
});

describe('after close', () => {
  test('nothing is written, neither here nor to whom the descriptors belong now', (t) => {
    const place = places(t);
    const writer = writerIn(t, place);
    assert.ok(append(writer, data(1, 400)));
    writer.close();
    const names = ['a', 'b', 'c'].map((name) => path.join(path.dirname(place.primary), name));
    const files = names.map((name) => openSync(name, 'w'));
    assert.ok(!writer.define(definition(1)));
    assert.ok(!append(writer, data(2, 400)));
    assert.ok(!append(writer, data(3, 400), true));
    writer.close();
    for (const file of files) closeSync(file);
    for (const name of names) assert.equal(readFileSync(name).length, 0);
    assert.deepEqual(sequencesIn(place), [1]);
  });
});

describe('a directory that somebody removes', () => {
  test('is not made again: what was to be written is refused', (t) => {
    const place = places(t);
    const writer = writerIn(t, place, { segmentMaxBytes: 1000 });
    assert.ok(append(writer, data(1, 800)));
    rmSync(place.primary, { recursive: true });
    assert.ok(!append(writer, data(2, 800)));
    assert.ok(!append(writer, data(2, 800), true));
    assert.ok(!existsSync(place.spill as string));
  });
});

describe('appendWhole', () => {
  test('is false where it cannot write at all', (t) => {
    const file = path.join(places(t).primary, '..', 'file');
    writeFileSync(file, 'before');
    const readOnly = openSync(file, 'r');
    assert.ok(!appendWhole(readOnly, new Uint8Array(8), 8, 6));
    closeSync(readOnly);
    assert.equal(readFileSync(file, 'utf8'), 'before');
  });

  test(
    'leaves a file beyond whose bound it would grow as it was',
    { skip: process.platform === 'win32' },
    (t) => {
      // A process may limit the size of its files: the write is short first, and then refused.
      const file = path.join(places(t).primary, '..', 'file');
      const module = new URL('../../src/journal/writer.js', import.meta.url).href;
      const script = `
      import { openSync } from 'node:fs';
      import { appendWhole } from ${JSON.stringify(module)};
      const file = openSync(${JSON.stringify(file)}, 'a');
      const bytes = new Uint8Array(3000);
      const answers = [0, 3000, 6000].map((size) => appendWhole(file, bytes, bytes.length, size));
      console.log(JSON.stringify(answers));`;
      const command = `ulimit -f 8; exec "$0" --input-type=module -e "$1"`;
      const answers = execFileSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' });
      assert.deepEqual(JSON.parse(answers), [true, true, false]);
      assert.equal(statSync(file).size, 6000);
    },
  );
});
