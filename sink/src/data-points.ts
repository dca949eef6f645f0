import type { KnownMetric } from './known-metric.ts';
import type { Exemplar, ExponentialRange, Points } from './points.ts';
import { BYTES, FIXED64, MalformedError, tagOf, VARINT, type WireReader } from './wire.ts';

const POINT_START_TIME = tagOf(2, FIXED64);
const POINT_TIME = tagOf(3, FIXED64);
const NUMBER_DOUBLE = tagOf(4, FIXED64);
const NUMBER_EXEMPLAR = tagOf(5, BYTES);
const NUMBER_INTEGER = tagOf(6, FIXED64);
const NUMBER_ATTRIBUTES = tagOf(7, BYTES);
const HISTOGRAM_COUNT = tagOf(4, FIXED64);
const HISTOGRAM_SUM = tagOf(5, FIXED64);
const HISTOGRAM_COUNTS = tagOf(6, BYTES);
const HISTOGRAM_COUNT_UNPACKED = tagOf(6, FIXED64);
const HISTOGRAM_BOUNDARIES = tagOf(7, BYTES);
const HISTOGRAM_BOUNDARY_UNPACKED = tagOf(7, FIXED64);
const HISTOGRAM_ATTRIBUTES = tagOf(9, BYTES);
const HISTOGRAM_MIN = tagOf(11, FIXED64);
const HISTOGRAM_MAX = tagOf(12, FIXED64);
const EXPONENTIAL_ATTRIBUTES = tagOf(1, BYTES);
const EXPONENTIAL_SCALE = tagOf(6, VARINT);
const EXPONENTIAL_ZEROS = tagOf(7, FIXED64);
const EXPONENTIAL_POSITIVE = tagOf(8, BYTES);
const EXPONENTIAL_NEGATIVE = tagOf(9, BYTES);
const EXPONENTIAL_MIN = tagOf(12, FIXED64);
const EXPONENTIAL_MAX = tagOf(13, FIXED64);
const EXPONENTIAL_THRESHOLD = tagOf(14, FIXED64);
const EXEMPLAR_TIME = tagOf(2, FIXED64);
const EXEMPLAR_DOUBLE = tagOf(3, FIXED64);
const EXEMPLAR_SPAN_ID = tagOf(4, BYTES);
const EXEMPLAR_TRACE_ID = tagOf(5, BYTES);
const EXEMPLAR_INTEGER = tagOf(6, FIXED64);
const RANGE_OFFSET = tagOf(1, VARINT);
const RANGE_COUNTS = tagOf(2, BYTES);
const RANGE_COUNT_UNPACKED = tagOf(2, VARINT);

/** Appends the NumberDataPoint between the reader's position and `end`. */
export function readNumberPoint(reader: WireReader, end: number, known: KnownMetric, points: Points): void {
  const start = reader.position;
  let time = -1;
  let startTime = -1;
  let value = NaN;
  let attributes = '';
  // Attribute fields that follow each other are taken in one piece: this is the sink's hot path.
  let runStart = 0;
  let runEnd = 0;
  while (reader.position < end) {
    const field = reader.position;
    const tag = reader.varint(end);
    if (tag === NUMBER_ATTRIBUTES) {
      if (field !== runEnd) {
        attributes += reader.key(runStart, runEnd);
        runStart = field;
      }
      runEnd = reader.length(end);
      reader.position = runEnd;
    } else if (tag === POINT_TIME) {
      time = reader.fixed64(end);
    } else if (tag === POINT_START_TIME) {
      startTime = reader.fixed64(end);
    } else if (tag === NUMBER_DOUBLE) {
      value = reader.double(end);
    } else if (tag === NUMBER_INTEGER) {
      value = readInteger(reader, end);
    } else if (tag === NUMBER_EXEMPLAR) {
      points.setExemplar(readExemplar(reader, reader.length(end)));
    } else {
      reader.skip(tag, end);
    }
  }
  attributes += reader.key(runStart, runEnd);
  const series = known.series(attributes, reader, start, end, NUMBER_ATTRIBUTES);
  reader.position = end;
  points.add(series, reader.view, time, startTime, value);
}

function readInteger(reader: WireReader, end: number): number {
  const at = reader.fixed64(end);
  return reader.view.getInt32(at + 4, true) * 2 ** 32 + reader.view.getUint32(at, true);
}

function readExemplar(reader: WireReader, end: number): Exemplar {
  let [time, value, traceId, spanId] = [0n, NaN, '', ''];
  const hex = (): string => {
    const behind = reader.length(end);
    const from = reader.position;
    reader.position = behind;
    return reader.bytes.toString('hex', from, behind);
  };
  while (reader.position < end) {
    const tag = reader.varint(end);
    if (tag === EXEMPLAR_TIME) time = reader.view.getBigUint64(reader.fixed64(end), true);
    else if (tag === EXEMPLAR_DOUBLE) value = reader.double(end);
    else if (tag === EXEMPLAR_INTEGER) value = readInteger(reader, end);
    else if (tag === EXEMPLAR_SPAN_ID) spanId = hex();
    else if (tag === EXEMPLAR_TRACE_ID) traceId = hex();
    else reader.skip(tag, end);
  }
  return { traceId, spanId, time, value };
}

/** Appends the HistogramDataPoint between the reader's position and `end`. */
export function readHistogramPoint(
  reader: WireReader,
  end: number,
  known: KnownMetric,
  points: Points,
): void {
  const start = reader.position;
  let time = -1;
  let startTime = -1;
  let attributes = '';
  let count = 0;
  let sum: number | undefined;
  let min: number | undefined;
  let max: number | undefined;
  const counts: number[] = [];
  const boundaries: number[] = [];
  while (reader.position < end) {
    const field = reader.position;
    const tag = reader.varint(end);
    if (tag === POINT_TIME) time = reader.fixed64(end);
    else if (tag === POINT_START_TIME) startTime = reader.fixed64(end);
    else if (tag === HISTOGRAM_COUNT) count = readCount(reader, end);
    else if (tag === HISTOGRAM_SUM) sum = reader.double(end);
    else if (tag === HISTOGRAM_MIN) min = reader.double(end);
    else if (tag === HISTOGRAM_MAX) max = reader.double(end);
    else if (tag === HISTOGRAM_COUNT_UNPACKED) counts.push(readCount(reader, end));
    else if (tag === HISTOGRAM_BOUNDARY_UNPACKED) boundaries.push(reader.double(end));
    else if (tag === HISTOGRAM_COUNTS) {
      const packed = reader.length(end);
      while (reader.position < packed) counts.push(readCount(reader, packed));
    } else if (tag === HISTOGRAM_BOUNDARIES) {
      const packed = reader.length(end);
      while (reader.position < packed) boundaries.push(reader.double(packed));
    } else {
      reader.skip(tag, end);
      if (tag === HISTOGRAM_ATTRIBUTES) attributes += reader.key(field, reader.position);
    }
  }
  const series = known.series(attributes, reader, start, end, HISTOGRAM_ATTRIBUTES);
  reader.position = end;
  points.addHistogram(series, reader.view, time, startTime, {
    count,
    sum,
    min,
    max,
    boundaries: known.boundaries(boundaries),
    counts,
  });
}

/** Appends the ExponentialHistogramDataPoint between the reader's position and `end`. */
export function readExponentialPoint(
  reader: WireReader,
  end: number,
  known: KnownMetric,
  points: Points,
): void {
  const start = reader.position;
  let time = -1;
  let startTime = -1;
  let attributes = '';
  let count = 0;
  let sum: number | undefined;
  let min: number | undefined;
  let max: number | undefined;
  let scale = 0;
  let zeroCount = 0;
  let zeroThreshold = 0;
  let positive: ExponentialRange = { offset: 0, counts: [] };
  let negative: ExponentialRange = { offset: 0, counts: [] };
  while (reader.position < end) {
    const field = reader.position;
    const tag = reader.varint(end);
    if (tag === POINT_TIME) time = reader.fixed64(end);
    else if (tag === POINT_START_TIME) startTime = reader.fixed64(end);
    else if (tag === HISTOGRAM_COUNT) count = readCount(reader, end);
    else if (tag === HISTOGRAM_SUM) sum = reader.double(end);
    else if (tag === EXPONENTIAL_SCALE) scale = readSigned(reader, end);
    else if (tag === EXPONENTIAL_ZEROS) zeroCount = readCount(reader, end);
    else if (tag === EXPONENTIAL_POSITIVE) positive = readRange(reader, reader.length(end));
    else if (tag === EXPONENTIAL_NEGATIVE) negative = readRange(reader, reader.length(end));
    else if (tag === EXPONENTIAL_MIN) min = reader.double(end);
    else if (tag === EXPONENTIAL_MAX) max = reader.double(end);
    else if (tag === EXPONENTIAL_THRESHOLD) zeroThreshold = reader.double(end);
    else {
      reader.skip(tag, end);
      if (tag === EXPONENTIAL_ATTRIBUTES) attributes += reader.key(field, reader.position);
    }
  }
  const counted = [...positive.counts, ...negative.counts].reduce((total, each) => total + each, zeroCount);
  if (counted !== count)
    throw new MalformedError(`an exponential histogram of ${count} with ${counted} in its buckets`);
  const series = known.series(attributes, reader, start, end, EXPONENTIAL_ATTRIBUTES);
  reader.position = end;
  points.addExponential(series, reader.view, time, startTime, {
    count,
    sum,
    min,
    max,
    scale,
    zeroCount,
    zeroThreshold,
    positive,
    negative,
  });
}

function readRange(reader: WireReader, end: number): ExponentialRange {
  let offset = 0;
  const counts: number[] = [];
  while (reader.position < end) {
    const tag = reader.varint(end);
    if (tag === RANGE_OFFSET) offset = readSigned(reader, end);
    else if (tag === RANGE_COUNT_UNPACKED) counts.push(Number(reader.varint64(end)));
    else if (tag === RANGE_COUNTS) {
      const packed = reader.length(end);
      while (reader.position < packed) counts.push(Number(reader.varint64(packed)));
    } else reader.skip(tag, end);
  }
  return { offset, counts };
}

/** A zigzag varint of 32 bits. */
function readSigned(reader: WireReader, end: number): number {
  const value = reader.varint(end);
  return (value >>> 1) ^ -(value & 1);
}

function readCount(reader: WireReader, end: number): number {
  const at = reader.fixed64(end);
  return reader.view.getUint32(at + 4, true) * 2 ** 32 + reader.view.getUint32(at, true);
}
