import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import * as fc from 'fast-check';
import { encodeAttributes } from '../../src/journal/attributes.ts';
import { AttributeIndex, canonicalAttributes } from '../../src/record/attributes.ts';

/** Series as numbers, in the order of their creation. */
function numbered(): { index: AttributeIndex<number>; created: Attributes[] } {
  const created: Attributes[] = [];
  const index = new AttributeIndex((attributes) => created.push({ ...attributes }), 2000);
  return { index, created };
}

const any = (attributes: unknown): Attributes => attributes as Attributes;

/** Counts how often somebody looks what is in an object. */
function watched(attributes: Attributes): { proxy: Attributes; looks: () => number } {
  let count = 0;
  const proxy = new Proxy(attributes, {
    ownKeys: (target) => {
      count++;
      return Reflect.ownKeys(target);
    },
  });
  return { proxy, looks: () => count };
}

describe('one series', () => {
  test('for one attribute set, in whatever order and object', () => {
    const { index, created } = numbered();
    assert.equal(index.get({ a: 1, b: 'x' }), 1);
    assert.equal(index.get({ b: 'x', a: 1 }), 1);
    assert.equal(index.get({ b: 'x', a: 1, c: undefined }), 1);
    assert.equal(index.get(any({ b: 'x', a: 1, c: null })), 1);
    assert.equal(index.get(Object.assign(Object.create(null), { a: 1, b: 'x' }) as Attributes), 1);
    assert.equal(created.length, 1);
  });

  test('for maps with the same content, in whatever order', () => {
    const { index } = numbered();
    assert.equal(index.get(any({ map: { a: 1, b: [1, { c: 2, d: 3 }] } })), 1);
    assert.equal(index.get(any({ map: { b: [1, { d: 3, c: 2 }], a: 1 } })), 1);
  });

  test('for none at all, however that is said', () => {
    const { index } = numbered();
    for (const none of [undefined, {}, null, 5, 'text', { a: undefined }])
      assert.equal(index.get(any(none)), 1);
  });
});

describe('different series', () => {
  test('for values that only look alike', () => {
    const { index } = numbered();
    const values = [
      1,
      '1',
      true,
      'true',
      NaN,
      'NaN',
      0,
      -0,
      '',
      [],
      [1],
      ['1'],
      [[1]],
      {},
      { a: 1 },
      { a: '1' },
      [null],
      Infinity,
      -Infinity,
      new Uint8Array([1]),
      2 ** 53,
      2 ** 53 - 1,
    ];
    const series = values.map((value) => index.get(any({ value })));
    assert.deepEqual(
      series,
      values.map((_, position) => position + 1),
    );
    assert.deepEqual(
      values.map((value) => index.get(any({ value }))),
      series,
    );
  });

  test('for keys that only look alike', () => {
    const { index } = numbered();
    const sets = [
      { a: 'b,"c":1' },
      { a: 'b', c: 1 },
      { 'a:1,b': 1 },
      { a: 1, b: 1 },
      JSON.parse('{"__proto__":1}'),
    ];
    assert.deepEqual(
      sets.map((set) => index.get(any(set))),
      [1, 2, 3, 4, 5],
    );
  });

  test('for an object that was changed in between', () => {
    const { index, created } = numbered();
    const attributes: Attributes = { list: ['a'], n: 1 };
    assert.equal(index.get(attributes), 1);
    attributes['n'] = 2;
    assert.equal(index.get(attributes), 2);
    (attributes['list'] as string[]).push('b');
    assert.equal(index.get(attributes), 3);
    attributes['n'] = 1;
    (attributes['list'] as string[]).pop();
    assert.equal(index.get(attributes), 1);
    assert.equal(created.length, 3);
  });

  test('exactly where the definitions would differ', () => {
    const value = fc.oneof(
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constantFrom('1', 1, true, 'true'),
      fc.jsonValue(),
    );
    const sets = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { maxKeys: 3, noNullPrototype: true });
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        const isSame = canonicalAttributes(any(a)) === canonicalAttributes(any(b));
        const definitions = [a, b].map((set) => JSON.stringify(encodeAttributes(any(set))));
        assert.equal(isSame, definitions[0] === definitions[1]);
      }),
    );
  });
});

describe('a frozen object', () => {
  test('of primitives is recognised, and not looked into again', () => {
    const { index } = numbered();
    const { proxy, looks } = watched(Object.freeze({ a: 1, b: 'x' }));
    assert.equal(index.get(proxy), 1);
    const first = looks();
    assert.equal(index.get(proxy), 1);
    assert.equal(looks(), first);
    assert.equal(index.get({ b: 'x', a: 1 }), 1);
  });

  test('whose parts may change is looked into each time', () => {
    const { index } = numbered();
    const list = ['a'];
    const frozen = Object.freeze({ list });
    assert.equal(index.get(frozen), 1);
    list.push('b');
    assert.equal(index.get(frozen), 2);
  });

  test('with a getter is looked into each time', () => {
    const { index } = numbered();
    let value = 1;
    const frozen = Object.freeze({
      get a() {
        return value;
      },
    });
    assert.equal(index.get(frozen), 1);
    value = 2;
    assert.equal(index.get(frozen), 2);
  });
});

describe('attributes that cannot be read', () => {
  const hostile: Record<string, unknown> = {
    'a throwing getter': {
      get a(): never {
        throw new Error('no');
      },
    },
    'a throwing proxy': new Proxy({}, { ownKeys: () => [][0] }),
    'a throwing getter further in': {
      map: {
        get a(): never {
          throw new Error('no');
        },
      },
    },
    'more than fits a frame': { a: 'x'.repeat(1 << 21) },
    'a revoked proxy': (() => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    })(),
  };
  for (const [name, attributes] of Object.entries(hostile)) {
    test(`have no series: ${name}`, () => {
      const { index } = numbered();
      assert.equal(index.get(any(attributes)), undefined);
      assert.equal(index.get({ a: 1 }), 1);
    });
  }

  test('have no series: a graph with billions of paths', () => {
    const graph: Record<string, unknown> = {};
    for (let path = 0; path < 20; path++) graph[`path${path}`] = graph;
    assert.equal(numbered().index.get(any({ graph })), undefined);
  });

  test('have no series where the series cannot be made', () => {
    const index = new AttributeIndex<number>(() => {
      throw new Error('no');
    }, 2000);
    assert.equal(index.get({ a: 1 }), undefined);
  });
});
