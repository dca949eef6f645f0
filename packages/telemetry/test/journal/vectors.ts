/**
 * Golden vectors: what a frame holds and the bytes that it is, in `vectors/*.json`. They were computed from the text of
 * PROTOCOL.md by a program that shares no code with this package.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  readBase,
  viewHistograms,
  viewOperations,
  viewSamples,
  viewSums,
  viewTracedOperations,
  type TimeBase,
} from '../../src/journal/columns.ts';
import {
  decodeJson,
  encodeFrames,
  encodeJson,
  encodeJsonFrame,
  FrameType,
  MORE_FOLLOWS,
  type Frame,
} from '../../src/journal/frame.ts';
import { segmentFrame } from '../../src/journal/writer.ts';
import { Batch } from '../../src/record/batch.ts';
import { Carry } from '../../src/record/carry.ts';
import { Composed } from '../../src/record/composed.ts';

/** NaN, infinities and -0 are strings: JSON has no other place for them. */
type Numeric = number | string;

export interface VectorFrame {
  readonly type: Lowercase<keyof typeof FrameType>;
  readonly flags?: number;
  readonly sequence?: number;
  readonly units?: number;
  readonly base?: TimeBase;
  readonly rows?: readonly Readonly<Record<string, Numeric | readonly number[]>>[];
  readonly json?: unknown;
  readonly journal?: string;
  readonly segment?: number;
}

export interface Vector {
  readonly name: string;
  readonly what: string;
  readonly frames: readonly VectorFrame[];
  readonly bytes: Uint8Array;
  /** Where each frame ends, preceded by 0. */
  readonly ends: readonly number[];
}

// Compiled tests run from `dist`; the vectors stay where they are.
const DIRECTORY = fileURLToPath(new URL('../../../test/journal/vectors/', import.meta.url));

export const VECTORS: readonly Vector[] = readdirSync(DIRECTORY)
  .toSorted()
  .map((file) => load(file));

export function vector(name: string): Vector {
  return VECTORS.find((each) => each.name === name) ?? load(`${name}.json`);
}

function load(file: string): Vector {
  const { what, frames, hex } = JSON.parse(readFileSync(DIRECTORY + file, 'utf8')) as {
    what: string;
    frames: readonly VectorFrame[];
    hex: readonly string[];
  };
  const bytes = new Uint8Array(Buffer.from(hex.join(''), 'hex'));
  const ends = [0];
  // Payload lengths as the bytes tell them: nothing here asks the code under test.
  for (let at = 0; at < bytes.length; ends.push(at)) {
    at += 32 + new DataView(bytes.buffer).getUint32(at + 12, true);
  }
  return { name: file.replace(/\.json$/, ''), what, frames, bytes, ends };
}

const number = (value: unknown): number => Number(value);
const words = (base: TimeBase): [number, number, number, number] => [
  base.seconds,
  base.nanos,
  base.monotonicSeconds,
  base.monotonicNanos,
];

/** A frame as the product's own writers make it, without those of the same write. */
export function encode(frames: readonly VectorFrame[]): Uint8Array {
  const writes: VectorFrame[][] = [[]];
  for (const frame of frames) {
    writes.at(-1)!.push(frame);
    if (frame.flags !== MORE_FOLLOWS) writes.push([]);
  }
  return Buffer.concat(writes.filter((write) => write.length > 0).map((write) => encodeWrite(write)));
}

function encodeWrite(frames: readonly VectorFrame[]): Uint8Array {
  const [first] = frames;
  const header = { sequence: first.sequence ?? 0, rows: 0, units: 0 };
  switch (first.type) {
    case 'segment':
      return segmentFrame(first.journal ?? '', first.segment ?? 0);
    case 'journal':
      return encodeJsonFrame({ ...header, type: FrameType.JOURNAL }, first.json);
    case 'definitions':
      return encodeJsonFrame({ ...header, type: FrameType.DEFINITIONS, rows: 1 }, first.json);
    case 'goodbye':
      return encodeJsonFrame({ ...header, type: FrameType.GOODBYE }, first.json);
    case 'span_starts':
    case 'lost_spans':
    case 'spans': {
      const rows = (first.json as readonly unknown[]).length;
      const types = {
        span_starts: FrameType.SPAN_STARTS,
        spans: FrameType.SPANS,
        lost_spans: FrameType.LOST_SPANS,
      };
      const type = types[first.type];
      const part = { type, rows, units: first.units ?? 0, payload: encodeJson(first.json) };
      return encodeFrames([part], header.sequence);
    }
    default:
      return frames.some(({ type }) => type === 'account') ? encodeAccount(frames) : encodeBatch(frames);
  }
}

/** What the recorder writes when it has dropped something: totals that it carried, and the account. */
function encodeAccount(frames: readonly VectorFrame[]): Uint8Array {
  const carry = new Carry();
  for (const { rows = [] } of frames) {
    for (const { series, value, calls } of rows) carry.add(number(series), number(value), number(calls));
  }
  const base = words(frames[0].base ?? { seconds: 0, nanos: 0, monotonicSeconds: 0, monotonicNanos: 0 });
  const payload = encodeJson(frames.at(-1)?.json);
  const account = { type: FrameType.ACCOUNT, rows: 0, units: 0, payload };
  return encodeFrames([...carry.parts(base), account], frames[0].sequence ?? 0);
}

function encodeBatch(frames: readonly VectorFrame[]): Uint8Array {
  const batch = new Batch();
  for (const { type, base, rows = [] } of frames) {
    if (base !== undefined) batch.begin(...words(base));
    for (const [index, row] of rows.entries()) addRow(batch, type, index, row);
  }
  const composed = new Composed();
  composed.compose(batch, frames[0].sequence ?? 0);
  return composed.bytes.subarray(0, composed.length);
}

function addRow(batch: Batch, type: VectorFrame['type'], index: number, row: Record<string, unknown>): void {
  if (type === 'samples') {
    batch.sampleDeltas[index] = number(row['delta']);
    batch.sampleValues[index] = number(row['value']);
    batch.sampleSeries[index] = number(row['series']);
    batch.samples = index + 1;
  } else if (type === 'sums') {
    batch.sumValues[index] = number(row['value']);
    batch.sumSeries[index] = number(row['series']);
    batch.sumCalls[index] = number(row['calls']);
    batch.sums = index + 1;
  } else if (type === 'operations' || type === 'traced_operations') {
    const [series, latency, bytes] = ['series', 'latencyNanos', 'bytes'].map((name) => number(row[name]));
    const [traceId, spanId] = [row['traceId'], row['spanId']];
    const span = typeof traceId === 'string' && typeof spanId === 'string' ? { traceId, spanId } : undefined;
    batch.addOperation(series, [0, 0], latency, bytes, span);
    batch.operationDeltas[index] = number(row['delta']);
  } else if (type === 'histograms') {
    const counts = row['counts'] as readonly number[];
    const head = ['count', 'sum', 'min', 'max'].map((name) => number(row[name]));
    const boundaries = new Float64Array(counts.length - 1);
    const series = { id: number(row['series']), boundaries, row: 0, epoch: 0 };
    batch.addHistogram(series);
    batch.histogramNumbers.set([...head, ...counts], series.row + 1);
  }
}

/** A frame in the notation of the vectors, to be compared with one. */
export function describeFrame(frame: Frame): VectorFrame {
  const type = nameOf(frame.type);
  if (type === 'segment') {
    const segment = new DataView(frame.payload.buffer, frame.payload.byteOffset).getUint32(16, true);
    return { type, journal: Buffer.from(frame.payload.subarray(0, 16)).toString('hex'), segment };
  }
  const { sequence } = frame;
  const rows = rowsOf(type, frame);
  if (rows === undefined) {
    const json = decodeJson(frame);
    if (['spans', 'span_starts', 'lost_spans'].includes(type))
      return { type, sequence, units: frame.units, json };
    return type === 'journal' || type === 'definitions' ? { type, json } : { type, sequence, json };
  }
  return { type, flags: frame.flags, sequence, units: frame.units, base: readBase(frame), rows };
}

function rowsOf(type: VectorFrame['type'], frame: Frame): VectorFrame['rows'] | undefined {
  const count = frame.rows;
  const rows = (columns: Readonly<Record<string, ArrayLike<number>>> | undefined) => {
    if (columns === undefined) throw new Error(`${type}: not the size of its rows`);
    return Array.from({ length: count }, (_, row) =>
      Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, numeric(column[row])])),
    );
  };
  if (type === 'samples') {
    const { deltas: delta, values: value, series } = viewSamples(frame) ?? {};
    return rows(delta && value && series && { series, delta, value });
  }
  if (type === 'sums') {
    const { values: value, series, calls } = viewSums(frame) ?? {};
    return rows(value && series && calls && { series, value, calls });
  }
  if (type === 'operations') {
    const { deltas: delta, latencyNanos, bytes, series } = viewOperations(frame) ?? {};
    return rows(delta && latencyNanos && bytes && series && { series, delta, latencyNanos, bytes });
  }
  if (type === 'traced_operations') {
    const {
      deltas: delta,
      latencyNanos,
      bytes,
      series,
      traceIds,
      spanIds,
    } = viewTracedOperations(frame) ?? {};
    const numbers = rows(delta && latencyNanos && bytes && series && { series, delta, latencyNanos, bytes });
    return numbers?.map((each, row) => {
      const traceId = Buffer.from(traceIds!.subarray(16 * row, 16 * row + 16)).toString('hex');
      const spanId = Buffer.from(spanIds!.subarray(8 * row, 8 * row + 8)).toString('hex');
      return /^0*$/.test(traceId) ? each : { ...each, traceId, spanId };
    });
  }
  if (type !== 'histograms') return undefined;
  return viewHistograms(frame)?.map(({ series, count: all, sum, min, max, counts }) => ({
    series,
    count: all,
    sum: numeric(sum),
    min: numeric(min),
    max: numeric(max),
    counts: [...counts],
  }));
}

function numeric(value: number): Numeric {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}

function nameOf(type: number): VectorFrame['type'] {
  const name = Object.entries(FrameType).find(([, value]) => value === type)?.[0] ?? `type ${type}`;
  return name.toLowerCase() as VectorFrame['type'];
}
