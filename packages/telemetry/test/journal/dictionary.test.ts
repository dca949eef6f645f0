import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { Dictionary } from '../../src/journal/dictionary.ts';
import { encodeFrame, encodeJsonFrame, FrameType } from '../../src/journal/frame.ts';
import { DEFINITIONS_FILE, type JournalPlaces } from '../../src/journal/places.ts';
import { DEFINITION, filled } from './stage.ts';

const HEADER = { sequence: 0, rows: 1, units: 0 };
const JOURNAL = encodeJsonFrame({ ...HEADER, type: FrameType.JOURNAL }, DEFINITION);

function define(definitions: unknown): Uint8Array {
  return encodeJsonFrame({ ...HEADER, type: FrameType.DEFINITIONS }, definitions);
}

const instrument = (id: number, name: string) => ({
  id,
  kind: 'gauge',
  scope: { name: 'tests' },
  name,
  unit: '',
  description: '',
  valueType: 'double',
});
const GAUGE = define({ instruments: [instrument(1, 'one')] });
const series = (id: number, of = 1, attributes: unknown = [['id', id]]): Uint8Array =>
  define({ series: [{ id, instrument: of, attributes }] });

const fileOf = ({ primary }: JournalPlaces): string => path.join(primary, DEFINITIONS_FILE);

describe('a dictionary', () => {
  test('knows who writes and what was defined, also later', (t) => {
    const places = filled(t);
    writeFileSync(fileOf(places), JOURNAL);
    const dictionary = new Dictionary(places);
    assert.deepEqual(dictionary.definition, DEFINITION);
    appendFileSync(fileOf(places), Buffer.concat([GAUGE, series(1)]));
    const { instrument: found, attributes } = dictionary.series(1) ?? {};
    assert.equal(found?.name, 'one');
    assert.equal(attributes?.['id'], 1);
    appendFileSync(fileOf(places), series(2));
    assert.equal(dictionary.series(2)?.attributes['id'], 2);
  });

  test('reads instruments and series of one frame in any order', (t) => {
    const places = filled(t);
    const both = { series: [{ id: 1, instrument: 1, attributes: [] }], instruments: [instrument(1, 'one')] };
    writeFileSync(fileOf(places), Buffer.concat([JOURNAL, define(both)]));
    assert.equal(new Dictionary(places).series(1)?.instrument.name, 'one');
  });

  test('goes on in the spill directory', (t) => {
    const places = filled(t);
    const spilled = path.join(places.spill as string, DEFINITIONS_FILE);
    writeFileSync(fileOf(places), Buffer.concat([JOURNAL, GAUGE]));
    const dictionary = new Dictionary(places);
    writeFileSync(spilled, series(1));
    assert.equal(dictionary.series(1)?.instrument.name, 'one');
    appendFileSync(spilled, series(2));
    assert.equal(dictionary.series(2)?.instrument.name, 'one');
    assert.equal(new Dictionary(places).series(2)?.instrument.name, 'one');
  });

  test('may lie wholly in the spill directory', (t) => {
    const places = filled(t);
    writeFileSync(fileOf(places), '');
    writeFileSync(
      path.join(places.spill as string, DEFINITIONS_FILE),
      Buffer.concat([JOURNAL, GAUGE, series(1)]),
    );
    const dictionary = new Dictionary(places);
    assert.deepEqual(dictionary.definition, DEFINITION);
    assert.equal(dictionary.series(1)?.instrument.name, 'one');
  });

  test('keeps what it had when a frame in the middle is damaged', (t) => {
    const places = filled(t);
    const damaged = series(1);
    damaged[40] ^= 1;
    writeFileSync(fileOf(places), Buffer.concat([JOURNAL, GAUGE, damaged, series(2)]));
    const dictionary = new Dictionary(places);
    assert.equal(dictionary.series(1), undefined);
    assert.equal(dictionary.series(2)?.instrument.name, 'one');
  });

  test('does not look again for what was not there when its rows were', (t) => {
    const places = filled(t);
    writeFileSync(fileOf(places), Buffer.concat([JOURNAL, GAUGE]));
    const dictionary = new Dictionary(places);
    assert.equal(dictionary.series(1), undefined);
    appendFileSync(fileOf(places), series(1));
    assert.equal(dictionary.series(1), undefined);
  });

  test('leaves out a series of an instrument that nobody defined', (t) => {
    const places = filled(t);
    writeFileSync(fileOf(places), Buffer.concat([JOURNAL, GAUGE, series(1, 7), series(2)]));
    const dictionary = new Dictionary(places);
    assert.equal(dictionary.series(1), undefined);
    assert.equal(dictionary.series(2)?.instrument.name, 'one');
  });

  test('ignores frames of other versions and other types', (t) => {
    const places = filled(t);
    const other = series(1);
    other[8] = 2;
    new DataView(other.buffer).setUint32(4, crc32(other.subarray(8)), true);
    const samples = encodeFrame({ ...HEADER, type: FrameType.SAMPLES }, new Uint8Array(40));
    writeFileSync(fileOf(places), Buffer.concat([JOURNAL, GAUGE, other, samples, series(2)]));
    const dictionary = new Dictionary(places);
    assert.equal(dictionary.series(1), undefined);
    assert.equal(dictionary.series(2)?.instrument.name, 'one');
  });

  test('believes the first definition of the journal', (t) => {
    const places = filled(t);
    const second = { ...DEFINITION, writer: { ...DEFINITION.writer, threadId: 9 } };
    const again = encodeJsonFrame({ ...HEADER, type: FrameType.JOURNAL }, second);
    writeFileSync(fileOf(places), Buffer.concat([JOURNAL, again]));
    assert.equal(new Dictionary(places).definition?.writer.threadId, 0);
  });

  test('is empty where there is no file, or only a link to one', (t) => {
    const places = filled(t);
    assert.equal(new Dictionary(places).definition, undefined);
    const elsewhere = path.join(path.dirname(places.primary), 'elsewhere');
    writeFileSync(elsewhere, JOURNAL);
    symlinkSync(elsewhere, fileOf(places));
    assert.equal(new Dictionary(places).definition, undefined);
  });

  test('throws what the system answers for a file that is there and cannot be read', (t) => {
    const places = filled(t);
    mkdirSync(fileOf(places));
    assert.throws(() => new Dictionary(places), { code: 'EISDIR' });
  });

  test('never throws for what is in the file, and never forgets what is whole', (t) => {
    const places = filled(t);
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.uint8Array({ maxLength: 64 }), (values, garbage) => {
        const hostile = values.flatMap((value) => [
          define(value),
          define({ instruments: [value], series: [value] }),
          define({ series: [{ id: 9, instrument: 1, attributes: value }] }),
        ]);
        const padding = new Uint8Array((garbage.length + 7) & ~7);
        padding.set(garbage);
        const parts = [JOURNAL, GAUGE, series(1), padding, ...hostile, series(2), garbage];
        writeFileSync(fileOf(places), Buffer.concat(parts));
        const dictionary = new Dictionary(places);
        assert.deepEqual(dictionary.definition, DEFINITION);
        assert.equal(dictionary.series(1)?.instrument.name, 'one');
        assert.equal(dictionary.series(2)?.instrument.name, 'one');
        dictionary.series(9);
      }),
    );
  });
});
