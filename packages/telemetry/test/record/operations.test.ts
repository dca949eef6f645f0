import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { RecordingOperations, type OperationName } from '../../src/record/operations.ts';
import { VERSION } from '../../src/version.ts';
import { rig, totals, type Rig } from './stage.ts';

const VERSION_AND_PROVIDER = {
  'multistorageclient.version': VERSION,
  'multistorageclient.provider': 's3',
};

function operations(
  t: { after(then: () => void): void },
  attributes?: Attributes,
): Rig & {
  operations: RecordingOperations;
} {
  const made = rig(t);
  const options = attributes === undefined ? { provider: 's3' } : { provider: 's3', attributes };
  return { ...made, operations: new RecordingOperations(made.recorder, options) };
}

describe('an operation', () => {
  test('counts as a request when it starts, and as an operation when it ends', (t) => {
    const made = operations(t);
    const running = made.operations.start('read');
    made.recorder.flush();
    const requests = { ...VERSION_AND_PROVIDER, 'multistorageclient.operation': 'read' };
    assert.deepEqual(
      made.contents().sums.map(({ name, value, calls, attributes }) => [name, value, calls, attributes]),
      [['multistorageclient.request.sum', 1, 0, requests]],
    );
    assert.deepEqual(made.contents().operations, []);
    running.succeed(4096);
    made.recorder.flush();
    const [operation] = made.contents().operations;
    assert.deepEqual(operation.attributes, { ...requests, 'multistorageclient.status': 'success' });
    assert.equal(operation.bytes, 4096);
    assert.deepEqual(made.recorder.account.recorded, 1);
  });

  test('lasts from its start to its end, on the monotonic clock', (t) => {
    const made = operations(t);
    const before = process.hrtime.bigint();
    const running = made.operations.start('read');
    while (process.hrtime.bigint() - before < 2_000_000n);
    const ending = process.hrtime.bigint();
    running.succeed();
    const after = process.hrtime.bigint();
    made.recorder.flush();
    const [{ latencyNanos }] = made.contents().operations;
    assert.ok(Number.isInteger(latencyNanos));
    assert.ok(latencyNanos <= Number(after - before));
    assert.ok(latencyNanos >= Number(ending - before) - 2_000_000);
  });

  test('ends once', (t) => {
    const made = operations(t);
    const running = made.operations.start('read');
    running.fail(new RangeError('first'));
    running.succeed(1);
    running.fail(new Error('third'));
    made.recorder.flush();
    const statuses = made.contents().operations.map((row) => row.attributes['multistorageclient.status']);
    assert.deepEqual(statuses, ['error.RangeError']);
    assert.equal(made.recorder.account.recorded, 1);
  });

  test('that never ends remains a request without a response', (t) => {
    const made = operations(t);
    made.operations.start('list');
    made.operations.start('list').succeed();
    made.recorder.flush();
    assert.deepEqual(totals(made.contents()), { 'multistorageclient.request.sum': { value: 2, calls: 0 } });
    assert.equal(made.contents().operations.length, 1);
  });
});

describe('bytes', () => {
  test('count where an operation moves data, and has moved it', (t) => {
    const made = operations(t);
    const names: OperationName[] = ['read', 'write', 'copy', 'delete', 'info', 'list', 'delete_many'];
    for (const name of names) made.operations.start(name).succeed(7);
    for (const name of names) made.operations.start(name).fail(new Error('no'), 7);
    made.recorder.flush();
    const moved = made.contents().operations.filter(({ bytes }) => !Number.isNaN(bytes));
    assert.deepEqual(
      moved.map(({ bytes, attributes }) => [bytes, attributes['multistorageclient.operation']]),
      [
        [7, 'read'],
        [7, 'write'],
        [7, 'copy'],
      ],
    );
    assert.equal(made.contents().operations.length, 14);
  });

  test('that are no amount of bytes do not count', (t) => {
    const made = operations(t);
    const amounts: readonly unknown[] = [0, 1.5, -0, undefined, NaN, Infinity, -1, '5', 5n, null, {}];
    for (const bytes of amounts) made.operations.start('read').succeed(bytes as number);
    made.recorder.flush();
    const found = made.contents().operations.map(({ bytes }) => bytes);
    assert.deepEqual(found, [0, 1.5, -0, ...Array.from({ length: 8 }, () => NaN)]);
  });
});

describe('the status of a failure', () => {
  class NoSuchKey extends Error {}
  const withCode = Object.assign(new Error('x'), { code: 'ENOENT' });
  const named = Object.assign(new Error('x'), { name: 'AbortError', code: 'ABORT_ERR' });
  const numbered = Object.assign(new Error('x'), { code: 404 });
  const throwing = {
    get code(): never {
      throw new Error('no');
    },
  };
  const anonymous = new (class extends Error {})('x');
  const cases: readonly (readonly [what: string, error: unknown, status: string])[] = [
    ['its class', new TypeError('x'), 'TypeError'],
    ['a class of its own', new NoSuchKey('x'), 'NoSuchKey'],
    ['the code of a plain error', withCode, 'ENOENT'],
    ['its name', named, 'AbortError'],
    ['a DOMException', new DOMException('x', 'TimeoutError'), 'DOMException'],
    ['nothing else', new Error('x'), 'Error'],
    ['a code that is no name', numbered, 'Error'],
    ['an object with a code', { code: 'E1' }, 'E1'],
    ['an object with a name', { name: 'N1' }, 'N1'],
    ['an object without anything', {}, 'Error'],
    ['an object without a prototype', Object.create(null), 'Error'],
    ['a class without a name', anonymous, 'Error'],
    ['a string', 'x', 'string'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'object'],
    ['an object that cannot be read', throwing, 'Error'],
  ];
  for (const [what, error, status] of cases) {
    test(`is ${status} for ${what}`, (t) => {
      const made = operations(t);
      made.operations.start('read').fail(error);
      made.recorder.flush();
      const [{ attributes }] = made.contents().operations;
      assert.equal(attributes['multistorageclient.status'], `error.${status}`);
    });
  }
});

describe('attributes of the configuration', () => {
  test('are those of every metric, but the product’s own win', (t) => {
    const own = { 'multistorageclient.provider': 'mine', 'multistorageclient.status': 'mine', zone: 'a' };
    const made = operations(t, own);
    made.operations.start('copy').succeed(1);
    made.recorder.flush();
    const { sums, operations: ended } = made.contents();
    assert.deepEqual(ended[0].attributes, {
      ...VERSION_AND_PROVIDER,
      zone: 'a',
      'multistorageclient.operation': 'copy',
      'multistorageclient.status': 'success',
    });
    assert.deepEqual(sums[0].attributes, {
      ...VERSION_AND_PROVIDER,
      zone: 'a',
      'multistorageclient.operation': 'copy',
    });
  });

  test('are read once: what becomes of them later changes nothing, and throws nothing', (t) => {
    let isHostile = false;
    const inner = {
      get a(): number {
        if (isHostile) throw new Error('no');
        return 1;
      },
    };
    const list = ['x'];
    const made = operations(t, { inner, list });
    made.operations.start('read').succeed();
    isHostile = true;
    list.push('y');
    made.operations.start('write').succeed();
    made.recorder.flush();
    for (const { attributes } of made.contents().operations) {
      assert.deepEqual({ ...(attributes['inner'] as object) }, { a: 1 });
      assert.deepEqual(attributes['list'], ['x']);
    }
  });

  test('that cannot be read are refused where they are given', (t) => {
    const failure = new Error('no');
    const hostile = {
      get a(): never {
        throw failure;
      },
    };
    assert.throws(() => operations(t, hostile), failure);
  });
});
