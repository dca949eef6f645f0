import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, test } from 'node:test';
import { ConfiguredAttributes } from '../../src/attributes/configured.ts';

const isLinux = process.platform === 'linux';

function configured(type: string, attributes: object, env: NodeJS.ProcessEnv = {}): ConfiguredAttributes {
  return new ConfiguredAttributes([{ type, options: { attributes } }], env);
}

/** With nothing of a record's own. */
function attributesOf(type: string, attributes: object, env?: NodeJS.ProcessEnv): object {
  return { ...configured(type, attributes, env).merge({}) };
}

describe('a provider of type', () => {
  test('static gives the values that were configured', () => {
    const values = { text: 'x', number: 1.5, flag: false, list: ['a', 'b'], empty: '' };
    assert.deepEqual(attributesOf('static', values), values);
  });

  test('host gives the name of the host', () => {
    assert.deepEqual(attributesOf('host', { node: 'name' }), { node: hostname() });
  });

  test('process gives the id of the process', () => {
    assert.deepEqual(attributesOf('process', { 'process.pid': 'pid' }), { 'process.pid': process.pid });
  });

  test('thread gives the number that Node.js has for the thread', () => {
    assert.deepEqual(attributesOf('thread', { thread: 'ident' }), { thread: 0 });
  });

  test('thread gives the number that the operating system has, on Linux', { skip: !isLinux }, () => {
    assert.deepEqual(attributesOf('thread', { tid: 'native_id' }), { tid: process.pid });
    assert.equal(readlinkSync('/proc/thread-self'), `${process.pid}/task/${process.pid}`);
  });

  test('thread leaves out the number that the operating system does not tell', { skip: isLinux }, () => {
    assert.deepEqual(attributesOf('thread', { tid: 'native_id' }), {});
  });

  test('environment_variables gives those that are set, empty ones too', () => {
    const attributes = { job: 'JOB', none: 'NONE', empty: 'EMPTY' };
    assert.deepEqual(attributesOf('environment_variables', attributes, { JOB: '7', EMPTY: '' }), {
      job: '7',
      empty: '',
    });
  });

  test('whatever gives nothing for what it does not have', () => {
    for (const type of ['host', 'process', 'thread', 'environment_variables']) {
      assert.deepEqual(attributesOf(type, { a: 'nonsense', b: 5 }), {}, type);
      assert.deepEqual({ ...new ConfiguredAttributes([{ type, options: {} }], {}).merge({}) }, {}, type);
    }
  });
});

describe('precedence', () => {
  const providers = new ConfiguredAttributes(
    [
      { type: 'static', options: { attributes: { a: 1, b: 1, c: 1 } } },
      { type: 'environment_variables', options: { attributes: { b: 'TWO', c: 'TWO', d: 'NONE' } } },
      { type: 'static', options: { attributes: { c: 3, d: 3 } } },
    ],
    { TWO: '2' },
  );

  test('a later provider wins over an earlier one, and a record over them all', () => {
    assert.deepEqual({ ...providers.merge({}) }, { a: 1, b: '2', c: 3, d: 3 });
    assert.deepEqual({ ...providers.merge({ a: 'mine', e: 5 }) }, { a: 'mine', b: '2', c: 3, d: 3, e: 5 });
  });

  test('an attribute without a value wins over nothing', () => {
    assert.deepEqual({ ...providers.merge({ a: undefined, b: null }) }, { a: 1, b: '2', c: 3, d: 3 });
  });

  test('a key that objects have already is only a key', () => {
    const attributes = JSON.parse('{"__proto__":{"x":1},"constructor":"c"}') as object;
    const merged = configured('static', attributes).merge({});
    assert.deepEqual(Object.keys(merged), ['__proto__', 'constructor']);
    assert.equal('x' in merged, false);
  });
});

test('a provider is asked at the first merge, and once', () => {
  const env: NodeJS.ProcessEnv = {};
  const providers = configured('environment_variables', { a: 'A' }, env);
  env['A'] = 'first';
  assert.deepEqual({ ...providers.merge({}) }, { a: 'first' });
  env['A'] = 'second';
  assert.deepEqual({ ...providers.merge({}) }, { a: 'first' });
  assert.equal(providers.isDynamic, false);
});

test('what a merge gives can be changed without harm to the next', () => {
  const providers = configured('static', { a: 1 });
  providers.merge({})['a'] = 2;
  assert.deepEqual({ ...providers.merge({}) }, { a: 1 });
});
