import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from '../../src/config/canonical.ts';

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown, turn: number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, turn));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, shuffled(inner, turn)] as const);
  return Object.fromEntries([...entries.slice(turn % 3), ...entries.slice(0, turn % 3)].toReversed());
}

suite('canonical JSON', () => {
  test('does not depend on the order of keys, at any depth', () => {
    assert.equal(
      canonicalJson({ b: { d: 1, c: [{ f: 1, e: 2 }] }, a: 0 }),
      '{"a":0,"b":{"c":[{"e":2,"f":1}],"d":1}}',
    );
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, turn) => {
        assert.equal(canonicalJson(shuffled(value, turn)), canonicalJson(value));
      }),
    );
  });

  test('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('of different values is different', () => {
    const values = [
      {},
      [],
      null,
      '',
      0,
      false,
      '0',
      'null',
      { a: null },
      { a: [] },
      { a: {} },
      [[]],
      [{}],
      { a: 1, b: 2 },
      { a: { b: 2 } },
      [1, 2],
      [2, 1],
      NaN,
      Infinity,
      -Infinity,
      1n,
      '1',
      1,
    ];
    assert.equal(new Set(values.map(canonicalJson)).size, values.length);
  });

  test('takes keys such as __proto__ as keys', () => {
    const hostile = JSON.parse('{"b":1,"__proto__":{"x":1},"a":2,"constructor":3}') as object;
    assert.equal(canonicalJson(hostile), '{"__proto__":{"x":1},"a":2,"b":1,"constructor":3}');
    assert.notEqual(canonicalJson(hostile), canonicalJson({ a: 2, b: 1, constructor: 3 }));
    assert.equal(({} as { x?: number }).x, undefined);
  });

  test('ends, whatever it is given', () => {
    const cyclic: Record<string, unknown> = { a: 1 };
    cyclic['self'] = { again: cyclic };
    assert.equal(canonicalJson(cyclic), canonicalJson({ a: 1, self: { again: '\0cycle' } }));
    const twice = { x: 1 };
    assert.equal(canonicalJson([twice, twice]), '[{"x":1},{"x":1}]');
    assert.notEqual(canonicalJson({ at: new Date(0) }), canonicalJson({ at: new Date(1) }));
  });

  test('leaves out what is undefined', () => {
    assert.equal(canonicalJson({ b: undefined, a: 1 }), canonicalJson({ a: 1 }));
  });
});
