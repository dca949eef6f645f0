/**
 * A deflate block with the codes that the format has fixed (RFC 1951, 3.2.6).
 *
 * In: literals, and copies of what is a distance before. Out: its bytes, between a header and a trailer.
 * Invariant: there is always room, as no byte takes more than nine bits. Between two steps fewer than eight bits wait, so that 25
 * more have a place.
 */
const END_OF_BLOCK = 256;
const FIRST_LENGTH = 257;
const MIN_COPY = 3;
const MAX_COPY = 258;

/** Codes and their extra bits as they are written in the low 16 bits, and how many bits they take above. */
const SYMBOLS = Uint32Array.from({ length: 286 }, (_, symbol) => {
  const [first, code, bits] = rowOf(symbol);
  return packed(reversed(code + symbol - first, bits), bits);
});

/** By the length of a copy. */
const LENGTHS = new Uint32Array(MAX_COPY + 1);
for (let symbol = FIRST_LENGTH, length = MIN_COPY; symbol < 285; symbol++) {
  const extraBits = Math.max(0, ((symbol - FIRST_LENGTH) >> 2) - 1);
  const [code, bits] = [SYMBOLS[symbol] & 0xffff, SYMBOLS[symbol] >>> 16];
  for (let extra = 0; extra < 1 << extraBits; extra++) {
    LENGTHS[length++] = packed(code | (extra << bits), bits + extraBits);
  }
}
LENGTHS[MAX_COPY] = SYMBOLS[285];

export class FixedCodes {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #position: number;
  /** What waits; first, that the block is the last one, and has these codes. */
  #bits = 0b011;
  #count = 3;

  /** Begins with a header. There has to be room for `maxLength` of all bytes, the header and the trailer among them. */
  constructor(room: Buffer, header: Uint8Array) {
    this.#bytes = room;
    this.#view = new DataView(room.buffer, room.byteOffset, room.length);
    this.#bytes.set(header);
    this.#position = header.length;
  }

  /** What so many bytes can take. */
  static maxLength(length: number): number {
    return Math.ceil((length * 9) / 8) + 8;
  }

  literals(view: DataView, from: number, to: number): void {
    for (let at = from; at < to; at++) this.#put(SYMBOLS[view.getUint8(at)]);
  }

  /**
   * Items of one length, each but for the groups of four bytes at `changes` the same as the one before. Distances up to 4096
   * have a place.
   */
  repeat(view: DataView, from: number, to: number, itemBytes: number, changes: readonly number[]): void {
    const distance = distanceOf(itemBytes);
    const out = this.#view;
    let written = from;
    // In local variables, this is twice as fast as with fields.
    let bits = this.#bits;
    let count = this.#count;
    let position = this.#position;
    for (let item = from; item < to; item += itemBytes) {
      for (let index = 0; index < changes.length; index++) {
        const at = item + changes[index];
        const word = view.getUint32(at, true);
        if (word === view.getUint32(at - itemBytes, true)) continue;
        const length = at - written;
        if (length >= MIN_COPY && length <= MAX_COPY) {
          const copy = LENGTHS[length];
          bits |= (copy & 0xffff) << count;
          count += copy >>> 16;
          out.setUint32(position, bits, true);
          position += count >>> 3;
          bits = (bits >>> (count & 24)) | ((distance & 0xffff) << (count &= 7));
          count += distance >>> 16;
          out.setUint32(position, bits, true);
          position += count >>> 3;
          bits >>>= count & 24;
          count &= 7;
        } else if (length > 0) {
          this.#bits = bits;
          this.#count = count;
          this.#position = position;
          this.#copies(view, written, at, distance);
          bits = this.#bits;
          count = this.#count;
          position = this.#position;
        }
        const first = SYMBOLS[word & 0xff];
        const second = SYMBOLS[(word >>> 8) & 0xff];
        const third = SYMBOLS[(word >>> 16) & 0xff];
        const fourth = SYMBOLS[word >>> 24];
        bits |= (first & 0xffff) << count;
        count += first >>> 16;
        bits |= (second & 0xffff) << count;
        count += second >>> 16;
        out.setUint32(position, bits, true);
        position += count >>> 3;
        bits = (bits >>> (count & 24)) | ((third & 0xffff) << (count &= 7));
        count += third >>> 16;
        bits |= (fourth & 0xffff) << count;
        count += fourth >>> 16;
        out.setUint32(position, bits, true);
        position += count >>> 3;
        bits >>>= count & 24;
        count &= 7;
        written = at + 4;
      }
    }
    this.#bits = bits;
    this.#count = count;
    this.#position = position;
    this.#copies(view, written, to, distance);
  }

  /** Bytes that are the same as those a distance before. */
  #copies(view: DataView, from: number, to: number, distance: number): void {
    let at = from;
    for (; to - at >= MIN_COPY; at += MAX_COPY) {
      this.#put(LENGTHS[Math.min(to - at, MAX_COPY)]);
      this.#put(distance);
    }
    this.literals(view, at, to);
  }

  /** Ends the block. The bytes lie in the room that was given. */
  end(trailer: Uint8Array): Uint8Array {
    this.#put(SYMBOLS[END_OF_BLOCK]);
    // The last bits are there already.
    const at = this.#position + (this.#count > 0 ? 1 : 0);
    this.#bytes.set(trailer, at);
    return this.#bytes.subarray(0, at + trailer.length);
  }

  #put(code: number): void {
    this.#bits |= (code & 0xffff) << this.#count;
    this.#count += code >>> 16;
    this.#view.setUint32(this.#position, this.#bits, true);
    this.#position += this.#count >>> 3;
    this.#bits >>>= this.#count & 24;
    this.#count &= 7;
  }
}

/** The table of the fixed codes: the first symbol of a row, its code, and the bits that it takes. */
function rowOf(symbol: number): readonly [first: number, code: number, bits: number] {
  if (symbol < 144) return [0, 0b00110000, 8];
  if (symbol < 256) return [144, 0b110010000, 9];
  return symbol < 280 ? [256, 0, 7] : [280, 0b11000000, 8];
}

/** Of 2 to 4096. */
function distanceOf(distance: number): number {
  const log = 31 - Math.clz32(distance - 1);
  const extraBits = Math.max(0, log - 1);
  const code = 2 * log + (((distance - 1) >>> extraBits) & 1);
  const extra = (distance - 1) & ((1 << extraBits) - 1);
  return packed(reversed(code, 5) | (extra << 5), 5 + extraBits);
}

function packed(code: number, bits: number): number {
  return code | (bits << 16);
}

/** Codes are written from their highest bit, all else from the lowest. */
function reversed(code: number, bits: number): number {
  let result = 0;
  for (let bit = 0; bit < bits; bit++) result |= ((code >> bit) & 1) << (bits - 1 - bit);
  return result;
}
