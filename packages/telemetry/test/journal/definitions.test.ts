import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { readDefinitions, readJournalDefinition } from '../../src/journal/definitions.ts';
import { DEFINITION } from './stage.ts';

type Json = Record<string, unknown>;

const INSTRUMENT: Json = {
  id: 1,
  kind: 'histogram',
  scope: { name: 'scope', version: '1', schemaUrl: 'https://example.org' },
  name: 'name',
  unit: 'By',
  description: '',
  valueType: 'double',
  boundaries: [1, 2],
};
const SERIES: Json = { id: 2, instrument: 1, attributes: [['a', 1]] };

/** The value with one field, at any depth, replaced; `undefined` takes it away. */
function replaced(value: unknown, path: string, by: unknown): unknown {
  const [first, ...rest] = path.split('.');
  const copy = { ...(value as Json) };
  copy[first] = rest.length === 0 ? by : replaced(copy[first], rest.join('.'), by);
  return JSON.parse(JSON.stringify(copy));
}

describe('the definition of a journal', () => {
  test('is what was written', () => {
    assert.deepEqual(readJournalDefinition(JSON.parse(JSON.stringify(DEFINITION))), DEFINITION);
  });

  test('may hold more than is known', () => {
    const more = replaced(replaced(DEFINITION, 'writer.process.container', 'x'), 'configuration.views', []);
    assert.deepEqual(readJournalDefinition(more), more);
  });

  test('is none where it does not say who writes, or for whom', () => {
    const paths: Record<string, readonly unknown[]> = {
      writer: [undefined, null, 5],
      'writer.process': [undefined, 5, {}],
      'writer.process.pid': [undefined, '5', 0, -1, 1.5],
      'writer.process.startTime': [undefined, 5],
      'writer.threadId': [undefined, 'x', 0.5],
      'writer.startedAtMillis': [undefined, '0', null],
      'writer.resource': [undefined, {}],
      configuration: [undefined, 'x'],
      'configuration.exporter': [undefined, null],
      'configuration.exporter.type': [undefined, 5],
      'configuration.reader': [undefined, []],
      'configuration.reader.collectIntervalMillis': [undefined, 0, -1, null, '5'],
      'configuration.reader.exportIntervalMillis': [undefined, 0],
      'configuration.reader.exportTimeoutMillis': [undefined, 0],
      'configuration.resampling': [undefined, 'none'],
      'configuration.resampling.type': [undefined, 5],
      'configuration.resampling.instruments': [5, {}, [null], [{ type: 'none' }], [{ name: 'x', type: 5 }]],
      'configuration.cardinalityLimit': [null, 0, 1.5, '5'],
    };
    for (const [path, values] of Object.entries(paths)) {
      for (const value of values) {
        const given = replaced(DEFINITION, path, value);
        assert.equal(readJournalDefinition(given), undefined, `${path}: ${JSON.stringify(value)}`);
      }
    }
  });

  test('is none where its resampling cannot be carried out', () => {
    const wrong: readonly object[] = [
      { type: 'decimation' },
      { type: 'decimation', factor: 0 },
      { type: 'decimation', factor: 2.5 },
      { type: 'exponential_histogram' },
      { type: 'exponential_histogram', maxBuckets: 1, maxScale: 20 },
      { type: 'exponential_histogram', maxBuckets: 1e9, maxScale: 20 },
      { type: 'exponential_histogram', maxBuckets: 160, maxScale: 21 },
      { type: 'exponential_histogram', maxBuckets: 160, maxScale: -11 },
      { type: 'explicit_bucket_histogram' },
      { type: 'explicit_bucket_histogram', boundaries: [2, 1] },
    ];
    for (const policy of wrong) {
      const instruments = [{ name: '*', ...policy }];
      for (const resampling of [policy, { type: 'none', instruments }]) {
        const given = replaced(DEFINITION, 'configuration.resampling', resampling);
        assert.equal(readJournalDefinition(given), undefined, JSON.stringify(resampling));
      }
    }
    for (const policy of [
      { type: 'decimation', factor: 2 },
      { type: 'exponential_histogram', maxBuckets: 160, maxScale: 20 },
      { type: 'explicit_bucket_histogram', boundaries: [1, 2] },
      { type: 'of the future', depth: 5 },
    ]) {
      const resampling = { ...policy, instruments: [{ name: 'x', ...policy }] };
      const given = replaced(DEFINITION, 'configuration.resampling', resampling);
      assert.deepEqual(readJournalDefinition(given), given);
    }
  });
});

describe('definitions', () => {
  test('are what was written', () => {
    const given = { instruments: [INSTRUMENT], series: [SERIES] };
    assert.deepEqual(readDefinitions(given), given);
    assert.deepEqual(readDefinitions({}), { instruments: [], series: [] });
  });

  test('leave out an instrument of which something is missing or wrong', () => {
    const paths: Record<string, readonly unknown[]> = {
      id: [undefined, '1', 1.5],
      kind: [undefined, 'summary', 'toString'],
      scope: [undefined, 'x'],
      'scope.name': [undefined, 5],
      'scope.version': [5],
      'scope.schemaUrl': [null],
      name: [undefined, 5],
      unit: [undefined, null],
      description: [undefined, {}],
      valueType: [undefined, 'float'],
      boundaries: [undefined, 5, [2, 1], [1, 1], ['1'], [null]],
    };
    for (const [path, values] of Object.entries(paths)) {
      for (const value of values) {
        const wrong = replaced(INSTRUMENT, path, value);
        const { instruments } = readDefinitions({ instruments: [wrong, INSTRUMENT, null, 5] });
        assert.deepEqual(instruments, [INSTRUMENT], `${path}: ${JSON.stringify(value)}`);
      }
    }
    const gauge = replaced(INSTRUMENT, 'kind', 'gauge');
    assert.deepEqual(readDefinitions({ instruments: [gauge] }).instruments, [], 'a gauge with boundaries');
  });

  test('leave out a series of which something is missing or wrong', () => {
    for (const path of ['id', 'instrument', 'attributes']) {
      for (const value of [undefined, 'x', null]) {
        const { series } = readDefinitions({ series: [replaced(SERIES, path, value), SERIES] });
        assert.deepEqual(series, [SERIES], `${path}: ${JSON.stringify(value)}`);
      }
    }
  });

  test('never throw for any JSON', () => {
    const keys = fc.constantFrom(
      'instruments',
      'series',
      'id',
      'kind',
      'scope',
      'boundaries',
      'writer',
      'process',
    );
    const { node } = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue(),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(keys, tie('node'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(node, (value) => {
        readDefinitions(value);
        readJournalDefinition(value);
      }),
    );
  });
});
