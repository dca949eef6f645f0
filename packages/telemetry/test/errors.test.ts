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

  test('keeps its cause, and has none where there was none', () => {
    const cause = new Error('first');
    assert.equal(new TelemetryError('MSC_FORMAT', 'second', [], cause).cause, cause);
    assert.equal('cause' in new TelemetryError('MSC_FORMAT', 'only'), false);
  });
});
