import { TextDecoder } from 'node:util';

/** The bytes are not what the protobuf wire format or OTLP allow. */
export class MalformedError extends Error {
  override name = 'MalformedError';
}

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** The tag that a field of this number and wire type begins with. */
export function tagOf(fieldNumber: number, wireType: number): number {
  return (fieldNumber << 3) | wireType;
}

/**
 * Walks over protobuf messages in place: no copies, no objects per message. Every method takes the `end` of the message
 * it reads in and refuses to pass it.
 */
export class WireReader {
  readonly bytes: Buffer;
  readonly view: DataView;
  position = 0;
  readonly #text: TextDecoder = new TextDecoder('utf-8', { fatal: true });

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A varint of at most 32 bits: tags, lengths, enums, booleans. */
  varint(end: number): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.position >= end) throw this.#cut();
      const byte = this.bytes[this.position++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (shift === 28 && byte > 0x0f) break;
        return value >>> 0;
      }
    }
    throw new MalformedError(`a varint above 32 bits before byte ${this.position}`);
  }

  /** A varint of at most 64 bits, unsigned. */
  varint64(end: number): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.position >= end) throw this.#cut();
      const byte = this.bytes[this.position++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MalformedError(`a varint above 64 bits before byte ${this.position}`);
  }

  /** Reads the length of a nested message or string, and returns where it ends. */
  length(end: number): number {
    const length = this.varint(end);
    const nested = this.position + length;
    if (nested > end) throw this.#cut();
    return nested;
  }

  /** Passes over eight bytes and returns where they begin. */
  fixed64(end: number): number {
    const start = this.position;
    if (start + 8 > end) throw this.#cut();
    this.position = start + 8;
    return start;
  }

  double(end: number): number {
    return this.view.getFloat64(this.fixed64(end), true);
  }

  /** The bytes between two places, one character each: a key for whatever is encoded there. */
  key(start: number, end: number): string {
    return this.bytes.toString('latin1', start, end);
  }

  string(end: number): string {
    const start = this.position;
    this.position = end;
    try {
      return this.#text.decode(this.bytes.subarray(start, end));
    } catch {
      throw new MalformedError(`a string at byte ${start} that is not UTF-8`);
    }
  }

  /** Passes over a field that is of no interest. */
  skip(tag: number, end: number): void {
    const wireType = tag & 7;
    if (tag >>> 3 === 0) throw new MalformedError(`field number 0 before byte ${this.position}`);
    if (wireType === VARINT) this.varint64(end);
    else if (wireType === FIXED64) this.fixed64(end);
    else if (wireType === BYTES) this.position = this.length(end);
    else if (wireType === FIXED32 && this.position + 4 <= end) this.position += 4;
    else if (wireType === FIXED32) throw this.#cut();
    else throw new MalformedError(`wire type ${wireType} before byte ${this.position}`);
  }

  #cut(): MalformedError {
    return new MalformedError(`the message is cut short at byte ${this.position}`);
  }
}
