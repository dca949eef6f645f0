/**
 * A walk over an ExportMetricsServiceRequest that counts its data points while it arrives: by lengths, without an object for
 * each point, without a buffer for the whole.
 *
 * In: the bytes of a request, in pieces of any size. Out: how many data points it has; and where those lie that are whole
 * within a piece, for who wants to look at one.
 * On failure: a RangeError where a length leads out of the message that it is in, or where the bytes end within one.
 */

/** Receives where a data point lies. */
export type Visit = (bytes: Buffer, start: number, end: number) => void;

/** Field numbers of the messages within each other: resource, scope, metric; then those of a metric's data. */
const PATH: readonly number[] = [1, 2, 2];
const isData = (field: number): boolean => field === 5 || field === 7 || field === 9 || field === 10;
const DATA_LEVEL = 4;
/** Of a point in its metric's data: field 1, with a length. */
const POINT_TAG = 10;
/** A tag, and a length or a number: more are not in these messages. */
const MAX_HEADER_BYTES = 20;

export class PointCounter {
  points = 0;
  readonly #visit: Visit | undefined;
  /** Ends of the messages that are open, counted from the beginning of the request. */
  readonly #ends: number[] = [Infinity];
  /** Where the next field begins, and the piece that is looked at, counted likewise. */
  #next = 0;
  #base = 0;
  /** The beginning of a field whose header is not whole yet. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(visit?: Visit) {
    this.#visit = visit;
  }

  push(piece: Buffer): void {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = Buffer.alloc(0);
      const joined = Buffer.concat([rest, piece.subarray(0, MAX_HEADER_BYTES)]);
      this.#base -= rest.length;
      this.#walk(joined, rest.length, false);
      this.#base += rest.length;
      // So short a piece that it is part of the rest now.
      if (this.#rest.length > 0) {
        this.#base += piece.length;
        return;
      }
    }
    this.#walk(piece, piece.length, false);
    this.#base += piece.length;
  }

  /** @throws RangeError where something is missing. Returns the number of points. */
  end(): number {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    this.#base -= rest.length;
    this.#walk(Buffer.concat([rest, Buffer.alloc(MAX_HEADER_BYTES)]), rest.length, true);
    this.#base += rest.length;
    this.#leave();
    if (this.#next !== this.#base || this.#ends.length > 1) {
      throw new RangeError(`the request ends at ${this.#base}, within a message`);
    }
    return this.points;
  }

  #leave(): void {
    while (this.#ends.length > 1 && this.#ends[this.#ends.length - 1] === this.#next) this.#ends.pop();
  }

  /** Looks at the fields that begin before `length`; the last ones wait for more bytes, unless there are no more. */
  #walk(bytes: Buffer, length: number, isAll: boolean): void {
    const base = this.#base;
    const limit = isAll ? length : Math.min(length, bytes.length - MAX_HEADER_BYTES + 1);
    for (;;) {
      this.#leave();
      let at = this.#next - base;
      if (at >= length) return;
      if (at >= limit) {
        this.#rest = Buffer.from(bytes.subarray(at));
        return;
      }
      if (this.#ends.length === DATA_LEVEL + 1) at = this.#points(bytes, at, limit);
      else at = this.#field(bytes, at);
      this.#next = base + at;
      if (this.#next > this.#ends[this.#ends.length - 1]) {
        throw new RangeError(`a field ends at ${this.#next}, outside of its message`);
      }
    }
  }

  /** One field of a message that is no data: goes into it, or behind it. */
  #field(bytes: Buffer, from: number): number {
    let at = from;
    const tag = bytes[at++];
    const wireType = tag & 7;
    if (wireType === 1) return at + 8;
    if (wireType === 5) return at + 4;
    let value = 0;
    let factor = 1;
    let byte: number;
    do {
      byte = bytes[at++];
      value += (byte & 0x7f) * factor;
      factor *= 128;
    } while (byte >= 0x80);
    if (wireType === 0) return at;
    const level = this.#ends.length - 1;
    const field = tag >> 3;
    const isInside = level < PATH.length ? field === PATH[level] : level === PATH.length && isData(field);
    if (!isInside) return at + value;
    const end = this.#base + at + value;
    if (end > this.#ends[level])
      throw new RangeError(`a message ends at ${end}, outside of the one that it is in`);
    this.#ends.push(end);
    return at;
  }

  /** As many points as begin before `limit`. */
  #points(bytes: Buffer, from: number, limit: number): number {
    const end = Math.min(limit, this.#ends[DATA_LEVEL] - this.#base);
    const visit = this.#visit;
    let points = 0;
    let at = from;
    while (at < end && bytes[at] === POINT_TAG) {
      let length = bytes[at + 1];
      at += 2;
      if (length >= 0x80) {
        length &= 0x7f;
        for (let factor = 128, byte = 0x80; byte >= 0x80; factor *= 128) {
          byte = bytes[at++];
          length += (byte & 0x7f) * factor;
        }
      }
      if (visit !== undefined && at + length <= bytes.length) visit(bytes, at, at + length);
      at += length;
      points++;
    }
    this.points += points;
    return points > 0 ? at : this.#field(bytes, from);
  }
}

/** Counts the data points of a whole request. */
export function countPoints(request: Buffer, visit?: Visit): number {
  const counter = new PointCounter(visit);
  counter.push(request);
  return counter.end();
}

export interface Point {
  readonly epochNanos: bigint;
  readonly value: number;
  readonly attributes: number;
}

/** One number data point, decoded. */
export function decodePoint(bytes: Buffer, start: number, end: number): Point {
  let epochNanos = 0n;
  let value = NaN;
  let attributes = 0;
  let at = start;
  while (at < end) {
    const tag = bytes[at++];
    if (tag === 25) epochNanos = bytes.readBigUInt64LE(at);
    else if (tag === 33) value = bytes.readDoubleLE(at);
    else if (tag === 49) value = Number(bytes.readBigInt64LE(at));
    else if (tag === 58) attributes++;
    const wireType = tag & 7;
    if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else {
      let length = 0;
      let shift = 0;
      let byte: number;
      do {
        byte = bytes[at++];
        length |= (byte & 0x7f) << shift;
        shift += 7;
      } while (byte >= 0x80);
      if (wireType === 2) at += length;
    }
  }
  return { epochNanos, value, attributes };
}
