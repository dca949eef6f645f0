import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { type Attributes } from '@opentelemetry/api';
import { decodeAttributes, encodeAttributes, encodeValue } from '../../src/journal/attributes.ts';

/** Through the text of a definitions file. */
const roundTrip = (attributes: Attributes): Attributes =>
  decodeAttributes(JSON.parse(JSON.stringify(encodeAttributes(attributes))));

/** Any strings, lone surrogates and control characters included. */
const text = fc
  .string({ unit: 'binary', maxLength: 10 })
  .map((value) => value + (value.length % 3 === 0 ? '\ud800' : ''));
const key = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'toString', '', '0', '10', 'length'));
const number = fc.oneof(
  fc.double(),
  fc.constantFrom(NaN, Infinity, -Infinity, -0, Number.MIN_VALUE, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2),
);
const bytes = fc.uint8Array({ maxLength: 10 });

/** OTLP's AnyValue: all of it has a place. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    number,
    fc.boolean(),
    bytes,
    fc.array(fc.oneof(tie('value'), fc.constant(null)), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: false }),
  ),
}));
const anyAttributes = fc.dictionary(key, value, { maxKeys: 8, noNullPrototype: false });

/** Prototypes are not compared: decoded maps have none. */
function plain(given: unknown): unknown {
  if (given instanceof Uint8Array) return new Uint8Array(given);
  if (Array.isArray(given)) return given.map(plain);
  if (typeof given !== 'object' || given === null) return given;
  return new Map(
    Object.keys(given)
      .toSorted()
      .map((name) => [name, plain((given as Attributes)[name])]),
  );
}

describe('attributes', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(anyAttributes, (attributes) => {
        assert.deepEqual(plain(roundTrip(attributes as Attributes)), plain(attributes));
      }),
    );
  });

  test('give the same text in whatever order they are given, at every level', () => {
    const reversed = (given: unknown): unknown =>
      Array.isArray(given)
        ? given.map(reversed)
        : typeof given === 'object' && given !== null && !(given instanceof Uint8Array)
          ? Object.fromEntries(
              Object.entries(given)
                .toReversed()
                .map(([name, inner]) => [name, reversed(inner)]),
            )
          : given;
    fc.assert(
      fc.property(anyAttributes, (attributes) => {
        assert.deepEqual(
          JSON.stringify(encodeAttributes(reversed(attributes) as Attributes)),
          JSON.stringify(encodeAttributes(attributes as Attributes)),
        );
      }),
    );
  });

  test('keep keys such as __proto__ as keys', () => {
    const attributes = JSON.parse('{"__proto__": "mine", "a": {"__proto__": 1}}') as Attributes;
    const found = roundTrip(attributes);
    assert.deepEqual(
      Object.entries(found).map(([name]) => name),
      ['__proto__', 'a'],
    );
    assert.equal(Object.getOwnPropertyDescriptor(found, '__proto__')?.value, 'mine');
    assert.equal(Object.getPrototypeOf({}), Object.prototype);
  });

  test('keep whole numbers beyond 2^53 as what they are', () => {
    const cases: readonly (readonly [bigint, unknown])[] = [
      [0n, 0],
      [-5n, -5],
      [2n ** 53n - 1n, 2 ** 53 - 1],
      [2n ** 53n, '9007199254740992'],
      [2n ** 53n + 1n, '9007199254740993'],
      [-(2n ** 64n), '-18446744073709551616'],
    ];
    for (const [given, expected] of cases) {
      assert.equal(roundTrip({ given })['given'], expected);
    }
  });

  test('leave out what has no place in them', () => {
    const given = { a: undefined, b: null, c: () => 1, d: Symbol('d'), e: 'kept', [Symbol('f')]: 1 };
    assert.deepEqual({ ...roundTrip(given as unknown as Attributes) }, { e: 'kept' });
    assert.deepEqual(
      { ...roundTrip({ list: [undefined, null, () => 1, 2] }) },
      {
        list: [null, null, null, 2],
      },
    );
  });

  test('end where a cycle does not', () => {
    const given: Record<string, unknown> = { name: 'loop' };
    given['self'] = given;
    let level: unknown = roundTrip(given);
    let depth = 0;
    for (; level !== undefined; level = (level as Attributes)['self']) {
      assert.equal((level as Attributes)['name'], 'loop');
      depth++;
    }
    assert.equal(depth, 9);
  });

  test('are refused where they are an endless graph', () => {
    const given: Record<string, unknown> = {};
    for (let index = 0; index < 50; index++) given[`path${index}`] = given;
    assert.throws(() => encodeAttributes(given), RangeError);
    assert.throws(() => encodeValue([given]), RangeError);
    assert.throws(() => encodeAttributes({ list: Array.from({ length: 4096 }, () => 1) }), RangeError);
    assert.equal(encodeAttributes({ list: Array.from({ length: 4095 }, () => 1) }).length, 1);
  });

  test('say what a getter or a proxy throws', () => {
    const failure = new Error('no');
    const throwing = Object.defineProperty({}, 'a', {
      enumerable: true,
      get: () => {
        throw failure;
      },
    });
    assert.throws(() => encodeAttributes(throwing), failure);
    assert.throws(() => encodeAttributes({ inner: throwing }), failure);
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          throw failure;
        },
      },
    );
    assert.throws(() => encodeAttributes(proxy), failure);
  });
});

describe('decodeAttributes', () => {
  test('never throws, and leaves out what is malformed', () => {
    const cases: readonly unknown[] = [
      undefined,
      null,
      5,
      'text',
      {},
      [5],
      [[]],
      [[5, 5]],
      [['a']],
      [['a', null]],
      [['a', {}]],
      [['a', { map: 5 }]],
      [['a', { map: {} }]],
      [['a', { bytes: 5 }]],
      [['a', { number: 5 }]],
      [['a', { other: 1 }]],
    ];
    for (const given of cases)
      assert.deepEqual(Object.keys(decodeAttributes(given)), [], JSON.stringify(given));
    assert.deepEqual(
      { ...decodeAttributes([['a', { map: [5, ['b', 1]] }], 7, ['c', 2]]) },
      {
        a: Object.assign(Object.create(null) as object, { b: 1 }),
        c: 2,
      },
    );
  });

  test('never throws for any JSON', () => {
    const { node } = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 5 },
        fc.jsonValue(),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.tuple(fc.string(), tie('node')),
        fc.dictionary(fc.constantFrom('map', 'bytes', 'number', 'x'), tie('node'), { maxKeys: 2 }),
      ),
    }));
    fc.assert(fc.property(fc.array(node), (pairs) => void decodeAttributes(pairs)));
  });

  test('ends where a hostile file does not', () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth++) deep = depth % 2 === 0 ? [deep] : { map: [['a', deep]] };
    assert.ok(decodeAttributes([['deep', deep]]));
    const wide = Array.from({ length: 1_000_000 }, () => 1);
    const { length } = (decodeAttributes([['wide', wide]])['wide'] as unknown[]).filter((item) => item === 1);
    assert.ok(length <= 4096);
  });
});
