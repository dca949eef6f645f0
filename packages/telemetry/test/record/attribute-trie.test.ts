import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Attributes } from '@opentelemetry/api';
import * as fc from 'fast-check';
import { AttributeTrie } from '../../src/record/attribute-trie.ts';
import { AttributeIndex, canonicalAttributes } from '../../src/record/attributes.ts';

const any = (attributes: unknown): Attributes => attributes as Attributes;

/** Values that are easily taken for one another, and others. */
const value = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    -0,
    NaN,
    1,
    '1',
    true,
    'true',
    false,
    '',
    null,
    undefined,
    2 ** 53,
    Infinity,
    10n,
  ),
  fc.constantFrom<unknown>([], [1], ['1'], { a: 1 }, Symbol.iterator, () => 1),
  fc.string({ maxLength: 3 }),
  fc.double(),
);
const key = fc.constantFrom('a', 'b', 'c', 'd', '1', '0', '__proto__', 'constructor', '');
const pairs = fc.array(fc.tuple(key, value), { maxLength: 5 });
const making = fc.constantFrom(
  'plain',
  'bare',
  'getters',
  'inherited',
  'hidden',
  'frozen',
  'proxy',
  'symbols',
);

/** An object with these attributes, in this order, made in one of many ways. */
function made(given: readonly [string, unknown][], how: string): Attributes {
  const object: object =
    how === 'bare' ? Object.create(null) : how === 'inherited' ? Object.create({ b: 1, z: 2 }) : {};
  for (const [name, item] of given) {
    const property = how === 'getters' ? { get: () => item } : { value: item, writable: true };
    Object.defineProperty(object, name, { ...property, enumerable: true, configurable: true });
  }
  if (how === 'hidden') Object.defineProperty(object, 'hidden', { value: 1, enumerable: false });
  if (how === 'symbols') Object.assign(object, { [Symbol('attribute')]: 1 });
  if (how === 'proxy') return new Proxy(object, {}) as Attributes;
  return any(how === 'frozen' ? Object.freeze(object) : object);
}

/** What an index must answer, by the definition of a set. */
class Oracle {
  readonly #series = new Map<string, number>();

  expect(attributes: Attributes, got: number | undefined): void {
    const text = canonicalAttributes(attributes);
    if (!this.#series.has(text)) this.#series.set(text, this.#series.size + 1);
    assert.equal(got, this.#series.get(text), text);
  }
}

function numbered(limit = 2000): AttributeIndex<number> {
  let count = 0;
  return new AttributeIndex(() => ++count, limit);
}

const ordered = (attributes: Attributes): string => JSON.stringify(Object.entries(attributes));

describe('a trie of lists', () => {
  test('finds the series of the last set that was learned with the same text, and no other', () => {
    const plain = fc.constantFrom<string | number | boolean>(0, 1, NaN, '', 'a', true);
    const set = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), plain, { maxKeys: 4 });
    const maxCachedNodes = fc.constantFrom(0, 3, 100);
    fc.assert(
      fc.property(fc.array(set, { maxLength: 20 }), fc.array(set), maxCachedNodes, (sets, others, cached) => {
        const trie = new AttributeTrie<number>(1000, cached);
        const series = new Map<string, number>();
        for (const [index, attributes] of sets.entries()) {
          trie.learn(attributes, index);
          series.set(ordered(attributes), index);
        }
        for (const attributes of [...sets, ...others]) {
          // What is never equal to itself may be looked for in vain.
          if (Object.values(attributes).includes(NaN)) continue;
          assert.equal(trie.find(attributes), series.get(ordered(attributes)), ordered(attributes));
        }
        for (const attributes of sets) {
          if (attributes['a'] === 0) assert.equal(trie.find({ ...attributes, a: -0 }), undefined);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('an index finds what the canonical text would have found', () => {
  test('whatever objects come, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(pairs, making), { maxLength: 30 }), (objects) => {
        const index = numbered();
        const oracle = new Oracle();
        for (let round = 0; round < 2; round++) {
          for (const [given, how] of objects) {
            const attributes = made(given, how);
            oracle.expect(attributes, index.get(attributes));
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of an object that is changed between the calls', () => {
    const change = fc.record({ key, value, removes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const index = numbered();
        const oracle = new Oracle();
        const attributes: Record<string, unknown> = {};
        for (const { key: name, value: item, removes } of changes) {
          if (removes) delete attributes[name];
          else
            Object.defineProperty(attributes, name, {
              value: item,
              writable: true,
              enumerable: true,
              configurable: true,
            });
          oracle.expect(any(attributes), index.get(any(attributes)));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of an object with a getter that answers differently each time', () => {
    const index = numbered();
    const oracle = new Oracle();
    let answer = 0;
    let asked = 0;
    const attributes = {
      a: 'x',
      get b() {
        return answer;
      },
    };
    for (let round = 0; round < 3; round++) {
      for (answer = 0; answer < 3; answer++) oracle.expect(any({ a: 'x', b: answer }), index.get(attributes));
    }
    const flipping: Attributes = {
      get a() {
        return asked++ % 2 === 0 ? 'even' : 'odd';
      },
    };
    for (let round = 0; round < 10; round++) index.get(flipping);
    const [even, odd] = [index.get({ a: 'even' }), index.get({ a: 'odd' })];
    assert.notEqual(even, odd);
  });

  test('of values that a map takes for the same', () => {
    const index = numbered();
    const found = [0, 0, -0, 0, -0, NaN, NaN].map((item) => index.get({ a: item }));
    assert.deepEqual(found, [1, 1, 2, 1, 2, 3, 3]);
  });

  test('of objects that inherit what others have themselves', () => {
    const index = numbered();
    assert.deepEqual([index.get({ a: 1, b: 2 }), index.get({ a: 1 })], [1, 2]);
    const inheriting = Object.assign(Object.create({ b: 2 }) as Attributes, { a: 1 });
    assert.equal(index.get(inheriting), 2);
  });

  test('of objects of another realm', () => {
    const index = numbered();
    const foreign = runInNewContext('({ b: 2, a: 1 })') as Attributes;
    assert.equal(index.get(foreign), 1);
    assert.equal(index.get({ a: 1, b: 2 }), 1);
    assert.equal(index.get(foreign), 1);
  });

  test('while every object seems to have one attribute more', (t) => {
    const index = numbered();
    assert.deepEqual([index.get({ a: 1 }), index.get({ a: 1, everywhere: true })], [1, 2]);
    const prototype = Object.prototype as { everywhere?: boolean };
    prototype.everywhere = true;
    t.after(() => delete prototype.everywhere);
    assert.deepEqual([index.get({ a: 1 }), index.get({ a: 1, everywhere: true })], [1, 2]);
  });
});

describe('a trie', () => {
  test('finds the order that it has learned, and no other one', () => {
    const trie = new AttributeTrie<number>(100);
    trie.learn({ a: 1, b: 2 }, 7);
    assert.equal(trie.find({ a: 1, b: 2 }), 7);
    assert.equal(trie.find({ a: 1, z: undefined, b: 2 }), 7);
    assert.equal(trie.find({ b: 2, a: 1 }), undefined);
    for (const part of [{}, { a: 1 }, { b: 2 }, { a: 1, b: 2, c: 3 }])
      assert.equal(trie.find(part), undefined);
    trie.learn({ b: 2, a: 1 }, 7);
    trie.learn({}, 8);
    assert.deepEqual([trie.find({ b: 2, a: 1 }), trie.find({}), trie.find({ a: 1, b: 2 })], [7, 8, 7]);
  });

  test('learns no more than it has room for', () => {
    const trie = new AttributeTrie<number>(1000);
    for (let index = 0; index < 5000; index++) trie.learn({ index, other: index % 7 }, index);
    const known = Array.from({ length: 5000 }, (_, index) => trie.find({ index, other: index % 7 }));
    const found = known.filter((series) => series !== undefined);
    assert.ok(found.length >= 400 && found.length <= 500, String(found.length));
    assert.ok(found.every((series, index) => series === index));
  });
});

/** Bytes that an index holds when it was given these sets. */
function heldBytes(fill: (index: AttributeIndex<number>) => void): number {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const index = numbered();
  collectGarbage();
  const before = process.memoryUsage();
  fill(index);
  collectGarbage();
  const after = process.memoryUsage();
  assert.equal(index.get({}), index.get({}));
  return after.heapUsed + after.external - before.heapUsed - before.external;
}

describe('memory is bounded by the cardinality limit', () => {
  const cases: Record<string, (set: number) => Attributes> = {
    'a different last value': (set) => ({ a: 'x', b: 'y', c: 'z', set }),
    'a different first value': (set) => ({ set, a: 'x', b: 'y', c: 'z', d: true, e: 5, f: 'w' }),
    'a different key': (set) => ({ [`key${set}`]: 1 }),
    'a long value': (set) => ({ text: String(set).padEnd(10_000, 'x') }),
    'a value that is a part of a long text': (set) => ({
      text: String(set).padStart(50_000, 'x').slice(49_900),
    }),
    'other orders': (set) => {
      const object: Attributes = {};
      for (let at = 0; at < 7; at++) object[`key${(set * (at + 1)) % 7}${at % 2}`] = set % 100;
      return object;
    },
  };
  for (const [name, make] of Object.entries(cases)) {
    test(`for 100,000 sets with ${name}`, () => {
      const bytes = heldBytes((index) => {
        for (let set = 0; set < 100_000; set++) index.get(make(set));
      });
      assert.ok(bytes < 12 * 1024 * 1024, `${bytes} bytes`);
    });
  }
});
