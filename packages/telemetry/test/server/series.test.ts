import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { InstrumentDefinition } from '../../src/journal/definitions.ts';
import { SeriesIndex } from '../../src/server/series.ts';

const TREE = { attributes: { 'service.name': 'tree' } };
const P1 = { attributes: { 'service.name': 'p1' } };
const P2 = { attributes: { 'service.name': 'p2' } };

const instrument = (over: Partial<InstrumentDefinition> = {}): InstrumentDefinition => ({
  id: 1,
  kind: 'counter',
  scope: { name: 'scope' },
  name: 'name',
  unit: '1',
  description: '',
  valueType: 'double',
  ...over,
});
const index = (): SeriesIndex =>
  new SeriesIndex(TREE, (kind) => (kind === 'counter' ? 'delta' : 'cumulative'));

/** What a gauge is described as, where others have described it before. */
function descriptionAfter(...before: readonly string[]): string {
  const all = index();
  const descriptions = [...before, 'mine'];
  const series = descriptions.map((description) =>
    all.series('1', P1, instrument({ kind: 'gauge', description }), {}),
  );
  return series.at(-1)?.metric.descriptor.description ?? '';
}

suite('exported series', () => {
  test('under multistorageclient. belong to the tree, all others to their process', () => {
    const all = index();
    const own = [all.series('1', P1, instrument(), {}), all.series('2', P2, instrument(), {})];
    assert.notEqual(own[0], own[1]);
    assert.deepEqual(
      own.map(({ metric }) => metric.resource),
      [P1, P2],
    );
    const shared = instrument({ name: 'multistorageclient.latency' });
    assert.equal(all.series('1', P1, shared, {}), all.series('2', P2, shared, {}));
    assert.equal(all.series('1', P1, shared, {}).metric.resource, TREE);
    const near = instrument({ name: 'multistorageclient_latency' });
    assert.equal(all.series('1', P1, near, {}).metric.resource, P1);
  });

  test('are the same for the same attributes in any order, and give them out in one order', () => {
    const all = index();
    const series = all.series('1', P1, instrument(), { b: 1, a: 'x', c: [2, 1] });
    assert.equal(all.series('1', P1, instrument(), { c: [2, 1], a: 'x', b: 1 }), series);
    assert.deepEqual(Object.entries(series.attributes), [
      ['a', 'x'],
      ['b', 1],
      ['c', [2, 1]],
    ]);
    for (const other of [
      { a: 'x', b: '1', c: [2, 1] },
      { a: 'x', b: 1 },
      { a: 'x', b: 1, c: [1, 2] },
    ]) {
      assert.notEqual(all.series('1', P1, instrument(), other), series);
    }
  });

  test('tell a key such as __proto__ from none', () => {
    const hostile = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
    const all = index();
    const series = all.series('1', P1, instrument(), hostile);
    assert.notEqual(series, all.series('1', P1, instrument(), {}));
    assert.deepEqual(Object.keys(series.attributes), ['__proto__']);
  });

  test('of totals are one whatever the spelling and description, as the first has it', () => {
    const all = index();
    const first = all.series('1', P1, instrument({ name: 'Name', description: 'one' }), {});
    assert.equal(all.series('1', P1, instrument({ name: 'name', description: 'two' }), {}), first);
    assert.deepEqual([first.metric.descriptor.name, first.metric.descriptor.description], ['Name', 'one']);
  });

  test('of gauges, which have no state, never depend on who was first', () => {
    assert.equal(descriptionAfter(), 'mine');
    assert.equal(descriptionAfter('theirs'), 'mine');
  });

  test('of different instruments are different', () => {
    const all = index();
    const differences: readonly Partial<InstrumentDefinition>[] = [
      {},
      { kind: 'up_down_counter' },
      { kind: 'observable_counter' },
      { kind: 'gauge' },
      { unit: 's' },
      { valueType: 'int' },
      { name: 'other' },
      { scope: { name: 'scope', version: '1' } },
      { scope: { name: 'scope', schemaUrl: 'https://example.com' } },
      { kind: 'histogram', boundaries: [1] },
      { kind: 'histogram', boundaries: [1, 2] },
    ];
    const series = new Set(differences.map((over) => all.series('1', P1, instrument(over), {})));
    assert.equal(series.size, differences.length);
  });

  test('have the temporality that their exporter asks for', () => {
    const all = index();
    const temporality = (kind: InstrumentDefinition['kind']): string =>
      all.series('1', P1, instrument({ kind }), {}).metric.temporality;
    assert.equal(temporality('counter'), 'delta');
    assert.equal(temporality('observable_counter'), 'delta');
    assert.equal(temporality('up_down_counter'), 'cumulative');
    assert.equal(temporality('observable_up_down_counter'), 'cumulative');
  });

  test('are forgotten with their process, those of the tree never', () => {
    const all = index();
    const own = all.series('1', P1, instrument(), {});
    const other = all.series('2', P2, instrument(), {});
    const tree = all.series('1', P1, instrument({ name: 'multistorageclient.x' }), {});
    all.forget('1');
    assert.notEqual(all.series('1', P1, instrument(), {}), own);
    assert.equal(all.series('2', P2, instrument(), {}), other);
    assert.equal(all.series('1', P1, instrument({ name: 'multistorageclient.x' }), {}), tree);
  });
});
