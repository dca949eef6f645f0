/**
 * The points of histograms of both kinds in protobuf.
 *
 * In: series in columns. Out: HistogramDataPoints or ExponentialHistogramDataPoints, in order. Invariant: an unknown minimum
 * or maximum is left out.
 */
import type {
  ExponentialHistogramSeries,
  ExponentialRange,
  HistogramSeries,
  SeriesColumns,
} from './exporter.ts';
import { writeAttributes } from './otlp-attributes.ts';
import type { ProtobufWriter } from './protobuf-writer.ts';

/** Field of the points in a metric's data. */
const POINT = 1;

export function writeHistograms(writer: ProtobufWriter, series: HistogramSeries): void {
  for (let index = series.values.length - 1; index >= 0; index--) {
    const { count, sum, min, max, boundaries, counts } = series.values[index];
    const before = writer.size;
    writeKnown(writer, 12, max);
    writeKnown(writer, 11, min);
    writeAttributes(writer, 9, series.attributes);
    writePacked(writer, 7, boundaries, (boundary) => writer.double(boundary));
    writePacked(writer, 6, counts, (bucket) => writer.fixed64(bucket));
    writer.doubleField(5, sum);
    writer.fixed64Field(4, count);
    writeTimes(writer, series, index);
    writer.message(POINT, before);
  }
}

export function writeExponentialHistograms(writer: ProtobufWriter, series: ExponentialHistogramSeries): void {
  for (let index = series.values.length - 1; index >= 0; index--) {
    const value = series.values[index];
    const before = writer.size;
    if (value.zeroThreshold !== 0) writer.doubleField(14, value.zeroThreshold);
    writeKnown(writer, 13, value.max);
    writeKnown(writer, 12, value.min);
    writeBuckets(writer, 9, value.negative);
    writeBuckets(writer, 8, value.positive);
    writer.fixed64Field(7, value.zeroCount);
    if (value.scale !== 0) writer.sint32Field(6, value.scale);
    writer.doubleField(5, value.sum);
    writer.fixed64Field(4, value.count);
    writeTimes(writer, series, index);
    writeAttributes(writer, 1, series.attributes);
    writer.message(POINT, before);
  }
}

function writeBuckets(writer: ProtobufWriter, field: number, { offset, counts }: ExponentialRange): void {
  const before = writer.size;
  writePacked(writer, 2, counts, (bucket) => writer.varint(bucket));
  if (offset !== 0) writer.sint32Field(1, offset);
  writer.message(field, before);
}

/** Numbers of one field, one behind the other; nothing where there are none. */
function writePacked(
  writer: ProtobufWriter,
  field: number,
  values: ArrayLike<number>,
  write: (value: number) => void,
): void {
  if (values.length === 0) return;
  const before = writer.size;
  for (let at = values.length - 1; at >= 0; at--) write(values[at]);
  writer.message(field, before);
}

function writeKnown(writer: ProtobufWriter, field: number, extreme: number): void {
  if (!Number.isNaN(extreme)) writer.doubleField(field, extreme);
}

/** Start and time: fields 2 and 3 of every kind. */
function writeTimes(
  writer: ProtobufWriter,
  { seconds, nanos, startSeconds, startNanos }: SeriesColumns,
  index: number,
): void {
  writer.timeField(3, seconds[index], nanos[index]);
  if (startSeconds !== undefined && startNanos !== undefined) {
    writer.timeField(2, startSeconds[index], startNanos[index]);
  }
}
