/**
 * Protobuf messages, written from their end to their beginning: the length of each is known when it is written, so that
 * nothing is measured first and nothing moved.
 *
 * In: fields, the last one first. Out: the bytes of a message, in one buffer that is reused after `reset`.
 * Invariant: lengths and varints are as short as they can be. What is inside a message is written before its field.
 * On failure: RangeError where the message is too big for a buffer.
 */
import type { Repeat } from './repeat-gzip.ts';

const FIRST_CAPACITY = 64 * 1024;
const TWO_32 = 2 ** 32;

const VARINT = 0;
export const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

export class ProtobufWriter {
  /** Where items of what is written are nearly the same, for its compression; the last ones first. */
  readonly repeats: Repeat[] = [];
  #bytes: Buffer;
  #view: DataView;
  #size = 0;

  constructor() {
    this.#bytes = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Until the next `claim`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Of `bytes`. */
  get view(): DataView {
    return this.#view;
  }

  /** What is written so far. */
  get size(): number {
    return this.#size;
  }

  /** What is written: a view that holds until `reset`. */
  get written(): Buffer {
    return this.#bytes.subarray(this.#bytes.length - this.#size);
  }

  /** Begins anew, in the same buffer. */
  reset(): void {
    this.#size = 0;
    this.repeats.length = 0;
  }

  /** Makes room before what is written, for the caller to fill. Returns where in `bytes` it begins. */
  claim(length: number): number {
    const size = this.#size + length;
    if (size > this.#bytes.length) this.#grow(size);
    this.#size = size;
    return this.#bytes.length - size;
  }

  #grow(size: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#bytes.length));
    this.written.copy(grown, grown.length - this.#size);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** The field of a message, or of anything else that has a length, whose contents are all that was written since `size` was `before`. */
  message(field: number, before: number): void {
    this.unsigned(this.#size - before);
    this.tag(field, BYTES);
  }

  tag(field: number, wireType: number): void {
    this.unsigned((field << 3) | wireType);
  }

  /** A varint of an integer in [0, 2^32). */
  unsigned(value: number): void {
    let at = this.claim(varintLength(value));
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[at++] = (rest & 0x7f) | 0x80;
    this.#bytes[at] = rest;
  }

  /** A varint of an integer in [-2^63, 2^64). */
  varint(value: number): void {
    if (value >= 0 && value < TWO_32) return this.unsigned(value);
    // Bytes of seven bits, two's complement.
    let low = value >>> 0;
    let high = Math.floor(value / TWO_32) >>> 0;
    const groups: number[] = [];
    for (; high !== 0 || low > 0x7f; high >>>= 7) {
      groups.push((low & 0x7f) | 0x80);
      low = ((low >>> 7) | (high << 25)) >>> 0;
    }
    groups.push(low);
    this.#bytes.set(groups, this.claim(groups.length));
  }

  varintField(field: number, value: number): void {
    this.varint(value);
    this.tag(field, VARINT);
  }

  /** An integer in [-2^31, 2^31), zigzag. */
  sint32Field(field: number, value: number): void {
    this.unsigned(((value << 1) ^ (value >> 31)) >>> 0);
    this.tag(field, VARINT);
  }

  fixed32Field(field: number, value: number): void {
    const at = this.claim(4);
    this.#view.setUint32(at, value, true);
    this.tag(field, FIXED32);
  }

  double(value: number): void {
    const at = this.claim(8);
    this.#view.setFloat64(at, value, true);
  }

  doubleField(field: number, value: number): void {
    this.double(value);
    this.tag(field, FIXED64);
  }

  /** An integer in [-2^63, 2^64). */
  fixed64(value: number): void {
    const at = this.claim(8);
    setInt64(this.#view, at, value);
  }

  fixed64Field(field: number, value: number): void {
    this.fixed64(value);
    this.tag(field, FIXED64);
  }

  /** Epoch nanoseconds. */
  timeField(field: number, seconds: number, nanos: number): void {
    const at = this.claim(8);
    setTime(this.#view, at, seconds, nanos);
    this.tag(field, FIXED64);
  }

  stringField(field: number, text: string): void {
    const before = this.#size;
    if (!this.#ascii(text)) {
      const at = this.claim(Buffer.byteLength(text));
      this.#bytes.write(text, at, 'utf8');
    }
    this.message(field, before);
  }

  /** Most texts are ASCII and short: a loop then costs less than the call that writes UTF-8. */
  #ascii(text: string): boolean {
    const { length } = text;
    const at = this.claim(length);
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        this.#size -= length;
        return false;
      }
      this.#bytes[at + index] = code;
    }
    return true;
  }

  bytesField(field: number, bytes: Uint8Array): void {
    const before = this.#size;
    const at = this.claim(bytes.length);
    this.#bytes.set(bytes, at);
    this.message(field, before);
  }

  /** Bytes that are given as hexadecimal digits in lower case. */
  hexField(field: number, digits: string): void {
    const before = this.#size;
    const length = digits.length >>> 1;
    const at = this.claim(length);
    for (let index = 0; index < length; index++) {
      const high = nibble(digits.charCodeAt(2 * index));
      this.#bytes[at + index] = (high << 4) | nibble(digits.charCodeAt(2 * index + 1));
    }
    this.message(field, before);
  }
}

/** Bytes of the varint of an integer in [0, 2^32). */
export function varintLength(value: number): number {
  if (value < 2 ** 7) return 1;
  if (value < 2 ** 14) return 2;
  if (value < 2 ** 21) return 3;
  return value < 2 ** 28 ? 4 : 5;
}

/** Writes an integer in [-2^63, 2^64) as 64 bits. */
export function setInt64(view: DataView, at: number, value: number): void {
  // Both exact: a division by a power of two, and the rest of it.
  const high = Math.floor(value / TWO_32);
  view.setUint32(at, value - high * TWO_32, true);
  view.setUint32(at + 4, high, true);
}

/** Writes seconds · 10⁹ + nanoseconds as 64 bits, exactly. */
export function setTime(view: DataView, at: number, seconds: number, nanos: number): void {
  // 10⁹ is 5⁹ · 2⁹, and seconds · 5⁹ fits into the 53 bits of a double.
  const scaled = seconds * 5 ** 9;
  const high = Math.floor(scaled / 2 ** 23);
  const low = (scaled - high * 2 ** 23) * 2 ** 9 + nanos;
  view.setUint32(at, low, true);
  view.setUint32(at + 4, low < TWO_32 ? high : high + 1, true);
}

function nibble(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57;
}
