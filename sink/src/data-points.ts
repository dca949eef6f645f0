import type { KnownMetric } from './known-metric.ts';
import type { Points } from './points.ts';
import { BYTES, FIXED64, tagOf, type WireReader } from './wire.ts';

const POINT_START_TIME = tagOf(2, FIXED64);
const POINT_TIME = tagOf(3, FIXED64);
const NUMBER_DOUBLE = tagOf(4, FIXED64);
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
      const at = reader.fixed64(end);
      value = reader.view.getInt32(at + 4, true) * 2 ** 32 + reader.view.getUint32(at, true);
    } else {
      reader.skip(tag, end);
    }
  }
  attributes += reader.key(runStart, runEnd);
  const series = known.series(attributes, reader, start, end, NUMBER_ATTRIBUTES);
  reader.position = end;
  points.add(series, reader.view, time, startTime, value);
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

function readCount(reader: WireReader, end: number): number {
  const at = reader.fixed64(end);
  return reader.view.getUint32(at + 4, true) * 2 ** 32 + reader.view.getUint32(at, true);
}
