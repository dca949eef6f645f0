import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { TelemetryError } from '../../src/errors.ts';
import { MAX_BODY_BYTES, Opener, Sealer } from '../../src/link/envelope.ts';
import { errorOf } from '../telemetry-error.ts';
import { chunked } from './arbitraries.ts';

const KEY = randomBytes(32);
const bodies = fc.array(fc.uint8Array({ minLength: 4, maxLength: 200 }), { minLength: 1, maxLength: 8 });
const cuts = fc.array(fc.nat(), { maxLength: 12 });

function seal(values: readonly Uint8Array[]): Uint8Array[] {
  const sealer = new Sealer(KEY);
  return values.map((value) => sealer.seal(value));
}

/** What is given out before anything is refused. */
function open(chunks: readonly Uint8Array[]): { opened: Uint8Array[]; code?: string } {
  const opener = new Opener(KEY);
  const opened: Uint8Array[] = [];
  try {
    for (const chunk of chunks) opened.push(...opener.push(chunk));
  } catch (error) {
    assert.ok(error instanceof TelemetryError);
    assert.equal(errorOf(() => opener.push(Uint8Array.of(0))).code, 'MSC_LINK_MALFORMED');
    return { opened, code: error.code };
  }
  return { opened };
}

const texts = (values: readonly Uint8Array[]): string[] =>
  values.map((value) => Buffer.from(value).toString('hex'));

describe('envelopes', () => {
  test('give the bodies out, in whichever chunks they come', () => {
    fc.assert(
      fc.property(bodies, cuts, (values, at) => {
        const { opened, code } = open(chunked(Buffer.concat(seal(values)), at));
        assert.equal(code, undefined);
        assert.deepEqual(texts(opened), texts(values));
      }),
    );
  });

  test('are what LINK.md says', () => {
    const sealer = new Sealer(KEY);
    sealer.seal(Uint8Array.of(1, 2, 3, 4));
    const sealed = sealer.seal(Uint8Array.of(1, 2, 3, 4));
    const start = Uint8Array.of(4, 0, 0, 0, 1, 2, 3, 4);
    const proof = createHmac('sha256', KEY)
      .update(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0))
      .update(start)
      .digest();
    assert.deepEqual([...sealed], [...start, ...proof]);
  });

  test('of which a bit is changed are refused, with all that follows', () => {
    fc.assert(
      fc.property(bodies, fc.nat(), fc.integer({ min: 0, max: 7 }), cuts, (values, position, bit, at) => {
        const sealed = seal(values);
        const bytes = Buffer.concat(sealed);
        const changed = position % bytes.length;
        bytes[changed] ^= 1 << bit;
        const { opened, code } = open(chunked(bytes, at));
        let end = 0;
        const whole = sealed.filter((one) => (end += one.length) <= changed).length;
        // A length that grew waits for bytes that never come.
        assert.ok(code === 'MSC_LINK_MALFORMED' || opened.length === whole);
        assert.ok(opened.length <= whole);
        assert.deepEqual(texts(opened), texts(values.slice(0, opened.length)));
      }),
    );
  });

  test('that are left out, repeated, exchanged, or of the other direction are refused', () => {
    const values = [1, 2, 3].map((value) => new Uint8Array(8).fill(value));
    const [first, second, third] = seal(values);
    for (const [chunks, count] of [
      [[second], 0],
      [[first, first], 1],
      [[first, third], 1],
      [[first, third, second], 1],
      [[new Sealer(randomBytes(32)).seal(values[0])], 0],
    ] as const) {
      const { opened, code } = open(chunks);
      assert.deepEqual([texts(opened), code], [texts(values.slice(0, count)), 'MSC_LINK_MALFORMED']);
    }
  });

  test('of a length that no message has are refused before they are there', () => {
    for (const length of [0, 3, MAX_BODY_BYTES + 1, 2 ** 32 - 1]) {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(length);
      assert.equal(open([bytes]).code, 'MSC_LINK_MALFORMED');
    }
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(MAX_BODY_BYTES);
    assert.equal(open([bytes]).code, undefined);
  });

  test('anything at all is refused, or waited for within the bound', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (chunks) => {
        assert.deepEqual(open(chunks).opened, []);
      }),
    );
  });

  test('nothing of a message that was given out is kept', () => {
    const opener = new Opener(KEY);
    const [first, second] = seal([new Uint8Array(1000), new Uint8Array(1000)]);
    opener.push(Buffer.concat([first, second.subarray(0, 10)]));
    assert.equal(opener.bufferedBytes, 10);
    opener.push(second.subarray(10));
    assert.equal(opener.bufferedBytes, 0);
  });
});
