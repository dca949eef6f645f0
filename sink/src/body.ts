import type { IncomingMessage } from 'node:http';
import zlib from 'node:zlib';

/** A request that cannot be answered with 200, and the status code it gets. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Decompress = (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer;

const DECOMPRESS: Readonly<Record<string, Decompress | undefined>> = {
  gzip: zlib.gunzipSync,
  deflate: zlib.inflateSync,
  // Node.js 23.0 to 23.7 have none.
  zstd: zlib.zstdDecompressSync,
};

/** What a request carries, and how. */
export interface RequestKind {
  readonly signal: 'metrics' | 'traces';
  readonly encoding: 'protobuf' | 'json';
}

const SIGNALS: ReadonlyMap<string, RequestKind['signal']> = new Map([
  ['/v1/metrics', 'metrics'],
  ['/v1/traces', 'traces'],
]);
const ENCODINGS: ReadonlyMap<string, RequestKind['encoding']> = new Map([
  ['application/x-protobuf', 'protobuf'],
  ['application/json', 'json'],
]);

/** Throws `Refusal` for all but a POST of protobuf or JSON to one of OTLP's paths. */
export function kindOf({ method, url = '', headers }: IncomingMessage): RequestKind {
  const signal = SIGNALS.get(url);
  if (signal === undefined) {
    throw new Refusal(404, `path: got ${url}, expected ${[...SIGNALS.keys()].join(' or ')}`);
  }
  if (method !== 'POST') throw new Refusal(405, `method: got ${method}, expected POST`);
  const type = headers['content-type']?.split(';')[0].trim() ?? '';
  const encoding = ENCODINGS.get(type);
  if (encoding === undefined) {
    throw new Refusal(415, `content-type: got ${type}, expected ${[...ENCODINGS.keys()].join(' or ')}`);
  }
  return { signal, encoding };
}

/** Reads a whole body as it was sent. Throws `Refusal` with 413 past `maxBytes`, and whatever ends the connection. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // What comes past the limit is read and forgotten, so that the client gets to see the answer.
    if (bytes <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes > maxBytes) throw new Refusal(413, `body: got ${bytes} bytes, expected at most ${maxBytes}`);
  return Buffer.concat(chunks, bytes);
}

/** Undoes a content encoding. Throws `Refusal` with 415 for an unknown one, 400 for bad bytes, 413 past `maxBytes`. */
export function decompress(encoded: Buffer, encoding: string | undefined, maxBytes: number): Buffer {
  if (encoding === undefined || encoding === 'identity') return encoded;
  const undo = DECOMPRESS[encoding];
  if (undo === undefined) {
    throw new Refusal(415, `content-encoding: got ${encoding}, expected gzip, deflate, zstd or identity`);
  }
  try {
    return undo(encoded, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError)
      throw new Refusal(413, `body: expected at most ${maxBytes} bytes decompressed`);
    throw new Refusal(400, `body: not ${encoding}: ${String(error)}`);
  }
}
