/**
 * The points of gauges and sums in protobuf.
 *
 * In: a range of columns. Out: NumberDataPoints, in order. Invariant: nothing is made per point. The points of a series have
 * the same length and nearly the same bytes: one is written, copied as often as there are points, and their times and
 * values are put into the copies.
 */
import type { Exemplar, NumberSeries } from './exporter.ts';
import { NumberRange } from './number-range.ts';
import { encodeAttributes } from './otlp-attributes.ts';
import { isInt64 } from './otlp-json-values.ts';
import { FIXED64, type ProtobufWriter, setInt64, setTime, varintLength } from './protobuf-writer.ts';

/** A tag and eight bytes. */
const FIXED_BYTES = 9;
/** Tags of one byte. */
const POINT = (1 << 3) | 2;
const START_TIME = (2 << 3) | FIXED64;
const TIME = (3 << 3) | FIXED64;
const AS_DOUBLE = (4 << 3) | FIXED64;
const AS_INT = (6 << 3) | FIXED64;
/** The field. */
const ATTRIBUTES = 7;
/** So many points of a series, and no longer ones, are told to be nearly the same. */
const MIN_REPEATED = 8;
const MAX_REPEATED_BYTES = 4096;
/** Points are copied and filled in by blocks that stay in the processor's cache. */
const BLOCK_BYTES = 16 * 1024;

/** Writes the points of a series; `isInt` is for an instrument of integers. */
export function writeNumbers(writer: ProtobufWriter, series: NumberSeries, isInt: boolean): void {
  const range = series instanceof NumberRange ? series : rangeOf(series);
  const { exemplars } = range.columns;
  if (range.from === range.to) return;
  if (exemplars === undefined) return writeRange(writer, range, range.from, range.to, isInt);
  for (let to = range.to; to > range.from;) {
    let from = to - 1;
    const exemplar = exemplars.get(from);
    if (exemplar === undefined) {
      while (from > range.from && !exemplars.has(from - 1)) from--;
      writeRange(writer, range, from, to, isInt);
    } else {
      const before = writer.size;
      writeExemplar(writer, range, from, exemplar, isInt);
      writeRange(writer, range, from, to, isInt, writer.size - before);
    }
    to = from;
  }
}

function rangeOf(series: NumberSeries): NumberRange {
  const { attributes, seconds, nanos, values, startSeconds, startNanos } = series;
  const exemplars = new Map<number, Exemplar>();
  series.exemplars?.forEach((exemplar, index) => exemplar !== undefined && exemplars.set(index, exemplar));
  const isStarted = startSeconds !== undefined && startNanos !== undefined;
  const columns = {
    seconds,
    nanos,
    values,
    ...(isStarted && { startSeconds, startNanos }),
    ...(exemplars.size > 0 && { exemplars }),
  };
  return new NumberRange({ attributes, encoded: undefined }, columns, 0, values.length, isStarted);
}

/** Writes points without exemplars, or one whose exemplar, of `exemplarBytes`, is behind it already. */
function writeRange(
  writer: ProtobufWriter,
  { owner, columns, isStarted }: NumberRange,
  from: number,
  to: number,
  isInt: boolean,
  exemplarBytes = 0,
): void {
  const { seconds, nanos, values, startSeconds, startNanos } = columns;
  const hasStart = isStarted && startSeconds !== undefined && startNanos !== undefined;
  const encoded = (owner.encoded ??= encodeAttributes(ATTRIBUTES, owner.attributes));
  const numbers = (hasStart ? 3 : 2) * FIXED_BYTES;
  const length = numbers + encoded.length + exemplarBytes;
  const head = 1 + varintLength(length);
  const stride = head + numbers + encoded.length;
  const begin = writer.claim((to - from) * stride);
  const { bytes, view } = writer;

  bytes[begin] = POINT;
  let rest = length;
  let at = begin + 1;
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  if (hasStart) {
    bytes[at] = START_TIME;
    at += FIXED_BYTES;
  }
  bytes[at] = TIME;
  bytes[at + FIXED_BYTES] = AS_DOUBLE;
  bytes.set(encoded, at + 2 * FIXED_BYTES);

  let doubles = 0;
  const perBlock = Math.max(1, Math.floor(BLOCK_BYTES / stride));
  for (let first = from; first < to; first += perBlock) {
    const last = Math.min(to, first + perBlock);
    fill(bytes, begin, begin + (first - from) * stride, stride, (last - first) * stride);
    let time = at + (first - from) * stride + 1;
    for (let index = first; index < last; index++, time += stride) {
      if (hasStart) setTime(view, time - FIXED_BYTES, startSeconds[index], startNanos[index]);
      setTime(view, time, seconds[index], nanos[index]);
      const value = values[index];
      if (isInt) {
        const fits = isInt64(value);
        bytes[time + FIXED_BYTES - 1] = fits ? AS_INT : AS_DOUBLE;
        if (fits) setInt64(view, time + FIXED_BYTES, value);
        else view.setFloat64(time + FIXED_BYTES, value, true);
        doubles += Number(!fits);
      } else {
        view.setFloat64(time + FIXED_BYTES, value, true);
      }
    }
  }
  const items = to - from;
  // Between integers and doubles the tag changes, too.
  if (items < MIN_REPEATED || stride > MAX_REPEATED_BYTES || doubles > 0) return;
  writer.repeats.push({ fromEnd: writer.size, itemBytes: stride, items, changes: changesOf(head, hasStart) });
}

/** Where in a point its numbers lie, by groups of four bytes; the first of them after `head` bytes. */
function changesOf(head: number, hasStart: boolean): number[] {
  const fields = hasStart ? [0, 1, 2] : [0, 1];
  return fields.flatMap((field) => [head + field * FIXED_BYTES + 1, head + field * FIXED_BYTES + 5]);
}

/** Fills a block with copies of the first point, or of the first block. */
function fill(bytes: Buffer, origin: number, block: number, stride: number, length: number): void {
  if (block !== origin) {
    bytes.copyWithin(block, origin, origin + length);
    return;
  }
  for (let filled = stride; filled < length; filled *= 2) {
    bytes.copyWithin(origin + filled, origin, origin + Math.min(filled, length - filled));
  }
}

/** With the time and value of its point. */
function writeExemplar(
  writer: ProtobufWriter,
  { columns: { seconds, nanos, values } }: NumberRange,
  index: number,
  { traceId, spanId }: Exemplar,
  isInt: boolean,
): void {
  const before = writer.size;
  writer.hexField(5, traceId);
  writer.hexField(4, spanId);
  if (isInt && isInt64(values[index])) writer.fixed64Field(6, values[index]);
  else writer.doubleField(3, values[index]);
  writer.timeField(2, seconds[index], nanos[index]);
  writer.message(5, before);
}
