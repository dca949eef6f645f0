import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { SpanStart } from '../../src/exporters/spans.ts';
import { OpenSpans } from '../../src/server/open-spans.ts';

function started(number: number, value = ''): SpanStart {
  return {
    traceId: 'a'.repeat(32),
    spanId: number.toString(16).padStart(16, '0'),
    flags: 1,
    name: `span ${number}`,
    kind: 0,
    start: [1, number],
    attributes: [['key', value]],
    links: [],
    scope: { name: 'tests' },
  };
}

const MEBIBYTE = 'x'.repeat(1024 * 1024 - 100);

suite('open spans', () => {
  test('are those that have started and not ended', () => {
    const open = new OpenSpans();
    for (const number of [1, 2, 3, 2]) open.add(started(number));
    open.delete(started(1).spanId);
    open.delete('never started');
    assert.deepEqual(open.values(), [started(3), started(2)]);
  });

  test('are remembered up to a number, and again when some have ended', () => {
    const open = new OpenSpans();
    for (let number = 0; number < 16_385; number++) open.add(started(number));
    assert.equal(open.values().length, 16_384);
    open.delete(started(0).spanId);
    open.add(started(20_000));
    assert.deepEqual(open.values().at(-1), started(20_000));
  });

  test('are remembered up to a size, and again when some have ended', () => {
    const open = new OpenSpans();
    for (let number = 0; number < 17; number++) open.add(started(number, MEBIBYTE));
    assert.equal(open.values().length, 16);
    open.add(started(17));
    assert.equal(open.values().length, 17, 'a small one has room');
    for (let number = 0; number < 100; number++) {
      open.delete(started(number).spanId);
      open.add(started(number + 100, MEBIBYTE));
    }
    assert.equal(open.values().length, 16);
  });
});
