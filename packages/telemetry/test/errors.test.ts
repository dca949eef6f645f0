import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { invalid, show, TelemetryError } from '../src/errors.ts';

function rate(): void {}

suite('a value in an error message', () => {
  test('is faithful for what JSON cannot say', () => {
    const shown = [NaN, Infinity, -0, undefined, null, 1n, Symbol('s'), rate, '1', 1].map(show);
    assert.deepEqual(shown, [
      'NaN',
      'Infinity',
      '0',
      'undefined',
      'null',
      '1',
      'Symbol(s)',
      'function rate',
      '"1"',
      '1',
    ]);
  });

  test('is short, and on one line', () => {
    assert.equal(show('x'.repeat(1000)).length, 201);
    assert.equal(show('a\nb'), String.raw`"a\nb"`);
  });

  test('is never the reason for another error', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    assert.equal(show(cyclic), '[object Object]');
    assert.equal(show([1n]), '[object Array]');
    assert.equal(show({ toJSON: () => undefined }), '[object Object]');
    assert.equal(
      show({
        toJSON(): never {
          throw new Error('hostile');
        },
      }),
      '[object Object]',
    );
  });
});

suite('an error of this package', () => {
  test('has a code, and names every wrong field in its message', () => {
    const problems = [
      { path: 'reader.options.speed', value: 'fast', expected: 'a number' },
      { path: 'mode', value: NaN, expected: 'local, server, client' },
    ];
    const error = invalid('MSC_CONFIGURATION_INVALID', 'it is wrong', problems);
    assert.ok(error instanceof TelemetryError && error instanceof Error);
    assert.equal(error.name, 'TelemetryError');
    assert.equal(error.code, 'MSC_CONFIGURATION_INVALID');
    assert.deepEqual(error.problems, problems);
    assert.equal(
      error.message,
      'it is wrong: reader.options.speed: got "fast", expected a number; mode: got NaN, expected local, server, client',
    );
  });

  test('names the file, the line and the column, as far as they are known', () => {
    const problems = [
      { path: 'a', value: 1, expected: 'x', file: '/c.yaml', line: 3 },
      { path: '', value: undefined, expected: 'JSON', file: '/c.json', line: 1, column: 2 },
      { path: '', value: undefined, expected: 'a file', file: '/d' },
    ];
    const { message } = invalid('MSC_CONFIGURATION_INVALID', 'wrong', problems);
    assert.equal(
      message,
      'wrong: /c.yaml:3: a: got 1, expected x; /c.json:1:2: expected JSON; /d: expected a file',
    );
  });

  test('has every problem, and a message that ends', () => {
    const problems = Array.from({ length: 5000 }, (_, index) => ({
      path: `k${index}`,
      value: 1,
      expected: 'x',
    }));
    const error = invalid('MSC_CONFIGURATION_INVALID', 'wrong', problems);
    assert.equal(error.problems.length, 5000);
    assert.match(error.message, /; k99: got 1, expected x; and 4900 more$/);
  });

  test('keeps its cause, and has none where there was none', () => {
    const cause = new Error('first');
    assert.equal(new TelemetryError('MSC_FORMAT', 'second', [], cause).cause, cause);
    assert.equal('cause' in new TelemetryError('MSC_FORMAT', 'only'), false);
  });
});
