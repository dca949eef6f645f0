import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  formatBytes,
  formatCount,
  formatRate,
  formatSeconds,
  formatTable,
  formatTables,
  wrapText,
} from '../src/format.ts';

describe('format', () => {
  it('gives durations three digits and the largest unit of which there is one', () => {
    const cases: [number, string][] = [
      [0, '0 ns'],
      [4.56e-8, '45.6 ns'],
      [1e-9, '1 ns'],
      [9.994e-7, '999 ns'],
      [9.996e-7, '1.00 µs'],
      [0.0123, '12.3 ms'],
      [0.9996, '1.00 s'],
      [1.5, '1.50 s'],
      [119.4, '119 s'],
      [119.6, '2 min 0 s'],
      [3725, '62 min 5 s'],
      [NaN, '–'],
    ];
    for (const [seconds, text] of cases) assert.equal(formatSeconds(seconds), text);
  });

  it('gives bytes in powers of 1024', () => {
    const cases: [number, string][] = [
      [0, '0 B'],
      [999, '999 B'],
      [1023, '1023 B'],
      [1024, '1.00 KiB'],
      [1024 * 999.7, '1,000 KiB'],
      [1024 * 1023, '1,023 KiB'],
      [1024 * 1024 - 1, '1.00 MiB'],
      [1.5 * 1024 ** 3, '1.50 GiB'],
      [3 * 1024 ** 6, '3,072 PiB'],
      [NaN, '–'],
    ];
    for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
  });

  it('separates thousands', () => {
    assert.equal(formatCount(1_234_567), '1,234,567');
    assert.equal(formatRate(12_345.6), '12,346/s');
    assert.equal(formatRate(0.25), '0.250/s');
    assert.equal(formatRate(0.001234), '0.001/s');
    assert.equal(formatRate(Infinity), '–');
  });

  it('aligns texts on the left and figures on the right', () => {
    const rows = [
      ['name', 'count', 'max'],
      ['a longer one', '1'],
      ['b', '10,000', '1.5 s'],
    ];
    assert.deepEqual(formatTable(rows, 1), [
      'name           count    max',
      'a longer one       1',
      'b             10,000  1.5 s',
    ]);
  });

  it('breaks tables between groups of columns, and groups that are too wide', () => {
    const key = { title: 'name', isText: true, cells: ['a', 'b'] };
    const one = { title: 'one', cells: ['1', '22'] };
    const two = { title: 'two', cells: ['3', '4444'] };
    const three = { title: 'three', isText: true, cells: ['x', 'y'] };
    const groups = [[one], [two, three]];
    assert.deepEqual(formatTables(key, groups, 22), [
      ['name  one   two  three', 'a       1     3  x', 'b      22  4444  y'],
    ]);
    assert.deepEqual(formatTables(key, groups, 21), [
      ['name  one', 'a       1', 'b      22'],
      ['name   two  three', 'a        3  x', 'b     4444  y'],
    ]);
    assert.deepEqual(formatTables(key, groups, 16), [
      ['name  one   two', 'a       1     3', 'b      22  4444'],
      ['name  three', 'a     x', 'b     y'],
    ]);
  });

  it('breaks texts at blanks, and words that are too long anywhere', () => {
    assert.deepEqual(wrapText('short', 5, 2), ['short']);
    assert.deepEqual(wrapText('one  two', 5, 0), ['one', 'two']);
    assert.deepEqual(wrapText('one two three', 8, 2), ['one two', '  three']);
    assert.deepEqual(wrapText('to abcdefghij', 6, 2), ['to', '  abcd', '  efgh', '  ij']);
  });
});
