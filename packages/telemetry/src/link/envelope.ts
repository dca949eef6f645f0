/**
 * Envelopes: bodies on a stream of bytes, each with a proof that the other side sent it, and in this order. Free of I/O.
 *
 *   0  u32  length of the body, n
 *   4  …    body
 *   4+n     HMAC-SHA256(key of this direction, u64 number of the message ‖ bytes 0 to 4+n): 32 bytes
 *
 * Invariant: a body is given out only when all before it were, and it is proven; nothing can be put in, left out, repeated or
 * exchanged. What is buffered is bounded by the longest message.
 * On failure: a TelemetryError `MSC_LINK_MALFORMED`; nothing is read behind it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { HEADER_BYTES, MAX_PAYLOAD_BYTES } from '../journal/frame.ts';
import { malformed } from './messages.ts';

/** The longest frame, and what a message adds to it. */
export const MAX_BODY_BYTES: number = MAX_PAYLOAD_BYTES + HEADER_BYTES + 64;
const PROOF_BYTES = 32;
const LENGTH_BYTES = 4;

/** The sending end of one direction. */
export class Sealer {
  readonly #key: Uint8Array;
  #number = 0;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  seal(body: Uint8Array): Uint8Array {
    const bytes = Buffer.allocUnsafe(LENGTH_BYTES + body.length + PROOF_BYTES);
    bytes.writeUInt32LE(body.length, 0);
    bytes.set(body, LENGTH_BYTES);
    const end = LENGTH_BYTES + body.length;
    bytes.set(proofOf(this.#key, this.#number++, bytes.subarray(0, end)), end);
    return bytes;
  }
}

/** The receiving end of one direction. */
export class Opener {
  readonly #key: Uint8Array;
  #number = 0;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #isBroken = false;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** Bytes that wait for the rest of their message. */
  get bufferedBytes(): number {
    return this.#bytes;
  }

  /**
   * Takes in what came, and gives out the bodies that are whole by now.
   * @throws TelemetryError `MSC_LINK_MALFORMED`: from then on at every call.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#isBroken) throw malformed('bytes behind a broken message', 'none');
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    try {
      return [...this.#open()];
    } catch (error) {
      this.#isBroken = true;
      this.#parts = [];
      throw error;
    }
  }

  *#open(): Generator<Uint8Array> {
    while (this.#bytes >= LENGTH_BYTES) {
      const length = this.#peekLength();
      if (length < 4 || length > MAX_BODY_BYTES) {
        throw malformed(`a message of ${length} bytes`, `4 to ${MAX_BODY_BYTES}`);
      }
      const end = LENGTH_BYTES + length;
      if (this.#bytes < end + PROOF_BYTES) return;
      const bytes = this.#join();
      const proof = proofOf(this.#key, this.#number++, bytes.subarray(0, end));
      if (!timingSafeEqual(proof, bytes.subarray(end, end + PROOF_BYTES))) {
        throw malformed('a message that is not proven', 'one of the other side, in order');
      }
      this.#parts = [bytes.subarray(end + PROOF_BYTES)];
      this.#bytes -= end + PROOF_BYTES;
      yield bytes.subarray(LENGTH_BYTES, end);
    }
  }

  #peekLength(): number {
    if (this.#parts[0].length < LENGTH_BYTES) this.#join();
    const [first] = this.#parts;
    return new DataView(first.buffer, first.byteOffset).getUint32(0, true);
  }

  #join(): Uint8Array {
    if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0];
  }
}

function proofOf(key: Uint8Array, number: number, bytes: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(number));
  return createHmac('sha256', key).update(prefix).update(bytes).digest();
}
