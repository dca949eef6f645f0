/**
 * Export to a file: OTLP JSON, one line per batch.
 *
 * In: batches, and a path. Out: lines at the end of the file.
 * Invariant: one append per path at a time in this process; lines are whole, and what is not OTLP JSON is not cut off.
 * On failure: `retry`, and what a failed write has left is cut off; a batch that cannot be encoded never gets to the file.
 */
import { mkdir, open, stat, truncate, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withDeadline } from './deadline.ts';
import type { BatchExporter, ExportOutcome, MetricsExporter, PointBatch, Temporality } from './exporter.ts';
import { encodeJson } from './otlp-json.ts';
import { outcomeOfEncodingError, reasonOf } from './outcomes.ts';

const NEWLINE = 0x0a;
/** How the lines of such files begin; what begins otherwise is somebody else's and is not touched. */
const LINE_STARTS = ['{"resourceMetrics":', '{"resourceSpans":'].map((start) => Buffer.from(start));
const MAX_START_BYTES = Math.max(...LINE_STARTS.map(({ length }) => length));
const SCAN_BYTES = 64 * 1024;

/** The last append to each file: configurations that share a path take turns. */
const appends = new Map<string, Promise<void>>();

/**
 * Appends batches to a file as OTLP JSON, one line per batch, as OpenTelemetry's file exporter specifies.
 *
 * The file only ever grows by whole lines: one write per batch, undone where it fails or comes out short; a line that
 * a kill has torn is cut off before the next. A batch that is the last line already is not written twice, so repeating
 * it is safe. The file is opened for each batch, so it may be moved away at any time. One tree of processes per file.
 */
export class FileExporter<Batch> implements BatchExporter<Batch> {
  readonly #path: string;
  readonly #encode: (batch: Batch) => string;

  constructor(path: string, encode: (batch: Batch) => string) {
    this.#path = path;
    this.#encode = encode;
  }

  async export(batch: Batch, timeoutMillis: number): Promise<ExportOutcome> {
    let line: Buffer;
    try {
      line = Buffer.from(`${this.#encode(batch)}\n`);
    } catch (error) {
      return outcomeOfEncodingError(error);
    }
    const turn = (appends.get(this.#path) ?? Promise.resolve()).then(() => append(this.#path, line));
    appends.set(
      this.#path,
      turn.catch(() => undefined),
    );
    try {
      // An append that outlives the deadline goes on; the retry finds its line.
      await withDeadline(timeoutMillis, () => turn);
      return { status: 'accepted', rejectedPoints: 0 };
    } catch (cause) {
      return { status: 'retry', error: new Error(`${this.#path}: ${reasonOf(cause)}`, { cause }) };
    }
  }

  async shutdown(): Promise<void> {
    await appends.get(this.#path);
  }
}

export class MetricsFileExporter extends FileExporter<PointBatch> implements MetricsExporter {
  constructor(path: string) {
    super(path, encodeJson);
  }

  temporality(): Temporality {
    return 'cumulative';
  }
}

async function append(path: string, line: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const existing = await stat(path).catch(() => undefined);
  // Opening a pipe would wait for its reader.
  if (existing?.isFile() === false) throw new Error('is not a regular file');
  const file = await open(path, 'a+');
  try {
    const length = await cutTornLine(path, file);
    if (await endsWith(file, length, line)) return;
    try {
      const { bytesWritten } = await file.write(line);
      if (bytesWritten < line.length) throw new Error(`only ${bytesWritten} of ${line.length} bytes fitted`);
    } catch (error) {
      await truncate(path, length);
      throw error;
    }
  } finally {
    await file.close();
  }
}

/** Length of the file up to its last line break, after cutting off what follows it. */
async function cutTornLine(path: string, file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const whole = await endOfLastLine(file, size);
  if (whole === size) return size;
  const start = await read(file, whole, Math.min(MAX_START_BYTES, size - whole));
  if (!LINE_STARTS.some((known) => isPrefix(start, known))) {
    throw new Error('ends in a line that is not OTLP JSON: expected a file of its own');
  }
  await truncate(path, whole);
  return whole;
}

function isPrefix(start: Buffer, known: Buffer): boolean {
  const length = Math.min(start.length, known.length);
  return start.subarray(0, length).equals(known.subarray(0, length));
}

async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
  for (let end = size, bytes = 1; end > 0; bytes = SCAN_BYTES) {
    const from = Math.max(0, end - bytes);
    // the next read depends on what this one finds
    const at = (await read(file, from, end - from)).lastIndexOf(NEWLINE);
    if (at >= 0) return from + at + 1;
    end = from;
  }
  return 0;
}

async function endsWith(file: FileHandle, length: number, line: Buffer): Promise<boolean> {
  const from = length - line.length;
  if (from < 0) return false;
  // A single byte first: two lines seldom have the same length.
  if (from > 0 && (await read(file, from - 1, 1))[0] !== NEWLINE) return false;
  return (await read(file, from, line.length)).equals(line);
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
