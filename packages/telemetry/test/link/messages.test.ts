import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { TelemetryError } from '../../src/errors.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/link/messages.ts';
import { errorOf } from '../telemetry-error.ts';
import { message } from './arbitraries.ts';

/** As they are after a decoding: bytes are views of a buffer. */
const plain = (value: object): object =>
  Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, one instanceof Uint8Array ? [...one] : one]),
  );

const hex = (value: Message): string => Buffer.from(encodeMessage(value)).toString('hex');

function survives(bytes: Uint8Array): void {
  try {
    decodeMessage(bytes);
  } catch (error) {
    assert.ok(error instanceof TelemetryError);
    assert.equal(error.code, 'MSC_LINK_MALFORMED');
  }
}

describe('messages of the link', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(message, (value) => {
        assert.deepEqual(plain(decodeMessage(encodeMessage(value))), plain(value));
      }),
    );
  });

  test('are what LINK.md says', () => {
    const journal = '000102030405060708090a0b0c0d0e0f';
    assert.equal(hex({ type: 'open', journal }), `01000000${journal}`);
    assert.equal(
      hex({ type: 'define', journal, offset: 2 ** 32 + 2, bytes: Uint8Array.of(0xff) }),
      `02000000${journal}0200000001000000ff`,
    );
    assert.equal(hex({ type: 'frames', journal, bytes: Uint8Array.of(0xff) }), `03000000${journal}ff`);
    assert.equal(hex({ type: 'final', journal, endedAtMillis: 1 }), `04000000${journal}0100000000000000`);
    assert.equal(hex({ type: 'forget', journal }), `05000000${journal}`);
    assert.equal(
      hex({ type: 'flush', token: 3, digest: '0123456789abcdef' }),
      '0600000003000000000000000123456789abcdef',
    );
    assert.equal(hex({ type: 'ping' }), '07000000');
    assert.equal(
      hex({ type: 'state', journal, isEnded: true, sequence: 5, definitionsBytes: 6 }),
      `10000000${journal}010000000000000005000000000000000600000000000000`,
    );
    assert.equal(
      hex({ type: 'flushed', token: 3, isDone: false }),
      '1100000003000000000000000000000000000000',
    );
    assert.equal(hex({ type: 'pong' }), '12000000');
    assert.equal(hex({ type: 'error', reason: 2, text: 'é' }), '130000000200000000000000c3a9');
  });

  test('that are cut short, go on too long, or are anything at all, are refused as that', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat({ max: 255 }), (value, at, byte) => {
        const bytes = encodeMessage(value);
        for (let length = 0; length < bytes.length; length++) survives(bytes.subarray(0, length));
        survives(bytes.with(at % bytes.length, byte));
        survives(Buffer.concat([bytes, Uint8Array.of(byte)]));
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), survives));
  });

  test('with numbers that no double holds are refused', () => {
    const flushed = Buffer.from(encodeMessage({ type: 'flushed', token: 0, isDone: true }));
    flushed.writeBigUInt64LE(2n ** 53n, 4);
    assert.equal(errorOf(() => decodeMessage(flushed)).code, 'MSC_LINK_MALFORMED');
    flushed.writeBigUInt64LE(1n, 4);
    flushed.writeBigUInt64LE(2n, 12);
    assert.equal(errorOf(() => decodeMessage(flushed)).code, 'MSC_LINK_MALFORMED');
  });
});
