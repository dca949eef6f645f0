/**
 * Reads what the `file` exporter wrote: OTLP JSON, one request per line.
 *
 * In: a file. Out: one parsed line at a time, so that memory is bounded by the longest line, not by the file.
 * Invariant: whole lines only; the last one without its line break was torn by a kill and is left out.
 * On failure: a TelemetryError `MSC_FORMAT` that names the file and the line.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { TelemetryError } from '@multistorageclient/telemetry';

/** The exporter's requests have 4 MiB of attributes and values at most; as JSON that is a multiple. */
const MAX_LINE_BYTES = 256 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

export interface OtlpAttribute {
  readonly key: string;
  readonly value?: {
    readonly stringValue?: string;
    readonly intValue?: string | number;
    readonly doubleValue?: number | string;
    readonly boolValue?: boolean;
  };
}

export interface OtlpPoint {
  readonly attributes?: readonly OtlpAttribute[];
  readonly timeUnixNano?: string | number;
  readonly asDouble?: number | string;
  readonly asInt?: string | number;
}

/** Buckets of one range: bucket `offset + i` of base 2^(2^-scale). */
export interface OtlpBuckets {
  readonly offset?: number;
  readonly bucketCounts?: readonly (string | number)[];
}

export interface OtlpExponentialPoint {
  readonly attributes?: readonly OtlpAttribute[];
  readonly startTimeUnixNano?: string | number;
  readonly timeUnixNano?: string | number;
  readonly sum?: number | string;
  readonly max?: number | string;
  readonly scale?: number;
  readonly zeroCount?: string | number;
  readonly positive?: OtlpBuckets;
}

export interface OtlpMetric {
  readonly name?: string;
  readonly gauge?: { readonly dataPoints?: readonly OtlpPoint[] };
  readonly sum?: { readonly dataPoints?: readonly OtlpPoint[] };
  readonly exponentialHistogram?: {
    readonly aggregationTemporality?: number;
    readonly dataPoints?: readonly OtlpExponentialPoint[];
  };
}

export interface OtlpLine {
  readonly resourceMetrics?: readonly {
    readonly resource?: { readonly attributes?: readonly OtlpAttribute[] };
    readonly scopeMetrics?: readonly { readonly metrics?: readonly OtlpMetric[] }[];
  }[];
}

export interface OtlpLinesOptions {
  /** Where to begin; must be the beginning of a line. Default 0. */
  readonly fromByte?: number;
  /** A longer line is refused. Default 256 MiB. */
  readonly maxLineBytes?: number;
}

/**
 * The lines of a file, in order.
 * @throws TelemetryError `MSC_FORMAT` for a line that is too long or no OTLP JSON; what the system answers for a file
 *   that cannot be read.
 */
export async function* readOtlpLines(
  path: string,
  { fromByte = 0, maxLineBytes = MAX_LINE_BYTES }: OtlpLinesOptions = {},
): AsyncGenerator<OtlpLine, void> {
  let number = 0;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const read of createReadStream(path, { start: fromByte, highWaterMark: CHUNK_BYTES })) {
    let chunk = read as Buffer;
    for (let end = chunk.indexOf(NEWLINE); ; end = chunk.indexOf(NEWLINE)) {
      const piece = end < 0 ? chunk : chunk.subarray(0, end);
      pending.push(piece);
      pendingBytes += piece.length;
      if (pendingBytes > maxLineBytes) {
        throw wrongLine(path, number + 1, `${pendingBytes} bytes`, `at most ${maxLineBytes} bytes`);
      }
      if (end < 0) break;
      number++;
      if (pendingBytes > 0) yield parse(Buffer.concat(pending).toString(), path, number);
      pending = [];
      pendingBytes = 0;
      chunk = chunk.subarray(end + 1);
    }
  }
}

/** Where the next whole line of a file will begin: behind its last line break. 0 where there is no file. */
export async function endOfLines(path: string): Promise<number> {
  let file;
  try {
    file = await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (let { size: end } = await file.stat(); end > 0;) {
      const from = Math.max(0, end - CHUNK_BYTES);
      // where the next read begins depends on what this one finds
      const { bytesRead } = await file.read(buffer, 0, end - from, from);
      const at = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE);
      if (at >= 0) return from + at + 1;
      end = from;
    }
    return 0;
  } finally {
    await file.close();
  }
}

function parse(text: string, path: string, number: number): OtlpLine {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === 'object' && line !== null && 'resourceMetrics' in line) return line as OtlpLine;
  } catch {
    // It is refused below.
  }
  throw wrongLine(path, number, JSON.stringify(text.slice(0, 40)), '{"resourceMetrics": …}');
}

function wrongLine(path: string, line: number, value: string, expected: string): TelemetryError {
  const place = `${path}, line ${line}`;
  const problem = { path: place, value, expected };
  return new TelemetryError('MSC_FORMAT', `${place}: got ${value}, expected ${expected}`, [problem]);
}
