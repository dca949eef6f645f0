/** Messages of every kind, for properties. */
import * as fc from 'fast-check';
import type { Message } from '../../src/link/messages.ts';

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString('hex'));
const journal = hex(16);
const number = fc.maxSafeNat();
const bytes = fc.uint8Array({ maxLength: 300 });

export const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('open' as const), journal }),
  fc.record({ type: fc.constant('define' as const), journal, offset: number, bytes }),
  fc.record({ type: fc.constant('frames' as const), journal, bytes }),
  fc.record({ type: fc.constant('final' as const), journal, endedAtMillis: number }),
  fc.record({ type: fc.constant('forget' as const), journal }),
  fc.record({ type: fc.constant('flush' as const), token: number, digest: hex(8) }),
  fc.constant({ type: 'ping' as const }),
  fc.record({
    type: fc.constant('state' as const),
    journal,
    isEnded: fc.boolean(),
    sequence: number,
    definitionsBytes: number,
  }),
  fc.record({ type: fc.constant('flushed' as const), token: number, isDone: fc.boolean() }),
  fc.constant({ type: 'pong' as const }),
  fc.record({ type: fc.constant('error' as const), reason: number, text: fc.string({ maxLength: 100 }) }),
);

/** The bytes in chunks as a network may cut them. */
export function chunked(whole: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)).toSorted((a, b) => a - b), whole.length];
  return at.slice(1).map((end, index) => whole.subarray(at[index], end));
}
