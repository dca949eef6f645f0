import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { parse } from 'yaml';
import { CONFIGURATION } from '../../src/config/sections.ts';
import { ORIGINAL, SCHEMA_FILE, WRONG } from './files.ts';
import { conforms } from './json-schema.ts';
import { schemaDocument } from './schema-document.ts';

const SCHEMA: unknown = JSON.parse(schemaDocument());

const isValid = (value: unknown): boolean => {
  const problems: [] = [];
  CONFIGURATION.read(value, { path: '', section: 'configuration', problems });
  return problems.length === 0;
};

/** As an editor reads it: without what includes and variables add. */
const read = (file: string): unknown => parse(readFileSync(file, 'utf8'));

suite('the JSON Schema', () => {
  test('is as it was written to its file', () => {
    const hint = 'stale: node packages/telemetry/dist/test/config/schema-document.js';
    assert.equal(readFileSync(SCHEMA_FILE, 'utf8'), schemaDocument(), hint);
  });

  test('accepts the original’s example', () => {
    const example = read(ORIGINAL);
    assert.deepEqual([conforms(example, SCHEMA), isValid(example)], [true, true]);
  });

  const files = readdirSync(WRONG).filter((name) => /^(?!syntax|misspelt-).*\.(yaml|json)$/.test(name));
  for (const file of files) {
    test(`judges as the validation does: ${file}`, () => {
      const value = read(path.join(WRONG, file));
      assert.equal(conforms(value, SCHEMA), isValid(value));
    });
  }

  test('accepts sections that are not known, and cannot tell a typo from them', () => {
    assert.deepEqual([conforms({ newer: 1 }, SCHEMA), isValid({ newer: 1 })], [true, true]);
    assert.deepEqual([conforms({ includes: [] }, SCHEMA), isValid({ includes: [] })], [true, false]);
  });

  const values: [options: object, isRight: boolean][] = [
    [{ metrics: { cardinalityLimit: 5 } }, true],
    [{ metrics: { resampling: { type: 'decimation', options: { factor: 2 } } } }, true],
    [
      { metrics: { resampling: { type: 'exponential_histogram', options: { maxSize: 2, max_scale: -10 } } } },
      true,
    ],
    [
      { metrics: { resampling: { type: 'exponential_histogram', options: { maxSize: 2, max_size: 2 } } } },
      false,
    ],
    [
      { metrics: { resampling: { type: 'explicit_bucket_histogram', options: { boundaries: [1, 5] } } } },
      true,
    ],
    [{ metrics: { resampling: { type: 'explicit_bucket_histogram', options: { boundaries: [] } } } }, false],
    [{ metrics: { attributes: [{ type: './mine.js#Provider', options: { any: ['thing'] } }] } }, true],
    [{ metrics: { attributes: [{ type: '#Provider' }] } }, false],
    [{ metrics: { attributes: [{ type: 'static', options: { attributes: { a: [true, false] } } }] } }, true],
    [{ metrics: { attributes: [{ type: 'msc_config', options: { attributes: { a: {} } } }] } }, false],
    [{ traces: { sampler: { type: 'traceidratio' }, processor: {} } }, true],
    [{ traces: { sampler: { type: 'always_on', options: { ratio: 1 } } } }, false],
  ];
  for (const [opentelemetry, isRight] of values) {
    test(`${isRight ? 'accepts' : 'refuses'} ${JSON.stringify(opentelemetry)}`, () => {
      const value = { opentelemetry };
      assert.deepEqual([conforms(value, SCHEMA), isValid(value)], [isRight, isRight]);
    });
  }
});
