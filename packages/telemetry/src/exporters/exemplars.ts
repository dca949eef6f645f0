/**
 * Exemplars in protobuf: the SDK's serializer has no place for them, so they are put into what it has written.
 *
 * In: one ExportMetricsServiceRequest, and the series that are in it, in their order. Out: the same with the exemplars of its
 * number points. Invariant: everything else is the same, byte for byte.
 */
import type { MetricPoints, NumberSeries } from './exporter.ts';

/** Fields on the way to a number point: resource_metrics, scope_metrics, metrics, gauge (5) or sum (7), data_points. */
const PATH: readonly (readonly number[])[] = [[1], [2], [2], [5, 7], [1]];

/** Puts exemplars behind the fields of the points that have one. Returns the same bytes where none has. */
export function withExemplars(request: Uint8Array, metrics: readonly MetricPoints[]): Uint8Array {
  if (!metrics.some(hasExemplars)) return request;
  const appendices = exemplarsOf(metrics);
  return rewritten(request, 0, () => appendices.next().value ?? undefined);
}

function hasExemplars({ series }: MetricPoints): boolean {
  return series.some((each) => 'exemplars' in each);
}

/** What each number point gets, in their order. */
function* exemplarsOf(metrics: readonly MetricPoints[]): Generator<Uint8Array | undefined, undefined> {
  for (const metric of metrics) {
    if (metric.kind !== 'gauge' && metric.kind !== 'sum') continue;
    for (const series of metric.series) {
      for (const index of series.values.keys()) yield exemplarField(series, index);
    }
  }
}

/** NumberDataPoint.exemplars (5): time_unix_nano (2), as_double (3), span_id (4), trace_id (5). */
function exemplarField(
  { exemplars, seconds, nanos, values }: NumberSeries,
  index: number,
): Uint8Array | undefined {
  const exemplar = exemplars?.[index];
  if (exemplar === undefined) return undefined;
  const field = Buffer.alloc(2 + 46);
  field.set([(5 << 3) | 2, 46, (2 << 3) | 1]);
  field.writeBigUInt64LE(BigInt(seconds[index]) * 1_000_000_000n + BigInt(nanos[index]), 3);
  field[11] = (3 << 3) | 1;
  field.writeDoubleLE(values[index], 12);
  field.set([(4 << 3) | 2, 8], 20);
  field.write(exemplar.spanId, 22, 8, 'hex');
  field.set([(5 << 3) | 2, 16], 30);
  field.write(exemplar.traceId, 32, 16, 'hex');
  return field;
}

/** A message with what `appendix` gives behind each message at the end of the path. */
function rewritten(message: Uint8Array, depth: number, appendix: () => Uint8Array | undefined): Uint8Array {
  if (depth === PATH.length) {
    const added = appendix();
    return added === undefined ? message : Buffer.concat([message, added]);
  }
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (const { field, start, from, end } of fieldsOf(message)) {
    if (!PATH[depth].includes(field)) continue;
    const inner = message.subarray(from, end);
    const changed = rewritten(inner, depth + 1, appendix);
    if (changed === inner) continue;
    parts.push(message.subarray(copied, start), varint((field << 3) | 2), varint(changed.length), changed);
    copied = end;
  }
  if (copied === 0) return message;
  return Buffer.concat([...parts, message.subarray(copied)]);
}

interface Field {
  readonly field: number;
  /** Where its tag begins, its content begins, and it ends. */
  readonly start: number;
  readonly from: number;
  readonly end: number;
}

/** The fields of a message that have a length. The others, which our own serializer has written, are passed over. */
function* fieldsOf(message: Uint8Array): Generator<Field> {
  for (let at = 0; at < message.length;) {
    const start = at;
    const [tag, behindTag] = readVarint(message, at);
    const wireType = tag & 7;
    if (wireType === 2) {
      const [length, from] = readVarint(message, behindTag);
      at = from + length;
      yield { field: tag >>> 3, start, from, end: at };
    } else if (wireType === 0) {
      at = readVarint(message, behindTag)[1];
    } else {
      at = behindTag + (wireType === 1 ? 8 : 4);
    }
  }
}

/** The low bits of a varint, which are all of a tag or a length, and where it ends. */
function readVarint(bytes: Uint8Array, at: number): [value: number, end: number] {
  let value = 0;
  let end = at;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[end++];
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (!(byte >= 0x80)) return [value >>> 0, end];
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, left);
}
