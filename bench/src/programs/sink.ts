/**
 * The backend of the bench: takes OTLP over HTTP, counts every data point, and looks closely at one of many.
 *
 * A program of its own whose CPU counts for nobody, but it runs on the same cores: it walks over requests by lengths. What was
 * compressed is inflated, since every point is counted. A point with a wrong number of attributes, a value outside of what
 * programs record, or a time that is not today's, is counted as wrong, and so is a request that is no protobuf.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { countPoints, decodePoint } from '../otlp-walk.ts';
import { answer } from '../requests.ts';

const LOOK_EVERY = 4999;
const HOUR_NANOS = 3_600_000_000_000n;
/** Large enough that few pieces have to be joined. */
const chunkSize = 4 * 1024 * 1024;

const INFLATE: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  identity: (body) => body,
  gzip: (body) => gunzipSync(body, { chunkSize }),
  deflate: (body) => inflateSync(body, { chunkSize }),
  zstd: (body) => zstdDecompressSync(body, { chunkSize }),
};

export interface SinkState {
  readonly points: number;
  readonly requests: number;
  /** As they came over the connection. */
  readonly bytes: number;
  readonly looked: number;
  readonly wrong: number;
  /** Epoch milliseconds, with fractions, of the last request's arrival. */
  readonly lastMillis: number;
}

const EMPTY: SinkState = { points: 0, requests: 0, bytes: 0, looked: 0, wrong: 0, lastMillis: 0 };
let state = { ...EMPTY };
let expectedAttributes = 7;
/** Milliseconds from a point's own time to its arrival, for those that are watched. */
let delays: number[] | undefined;
let waiting: { points: number; resolve: () => void }[] = [];

const nowMillis = (): number => performance.timeOrigin + performance.now();

function look(bytes: Buffer, start: number, end: number): void {
  const { attributes, value, epochNanos } = decodePoint(bytes, start, end);
  const offNanos = epochNanos - BigInt(Date.now()) * 1_000_000n;
  const isToday = offNanos < HOUR_NANOS && offNanos > -HOUR_NANOS;
  state.looked++;
  if (attributes !== expectedAttributes || !(value >= 0 && value < 1e12) || !isToday) state.wrong++;
}

function take(body: Buffer, encoding: string): void {
  const arrivedMillis = nowMillis();
  const request = INFLATE[encoding](body);
  let next = LOOK_EVERY - (state.points % LOOK_EVERY);
  const points = countPoints(request, (bytes, start, end) => {
    if (--next === 0) {
      next = LOOK_EVERY;
      look(bytes, start, end);
    }
    delays?.push(arrivedMillis - Number(decodePoint(bytes, start, end).epochNanos / 1000n) / 1000);
  });
  state.points += points;
  state.bytes += body.length;
  state.requests++;
  state.lastMillis = arrivedMillis;
  waiting = waiting.filter((waiter) => {
    if (waiter.points > state.points) return true;
    waiter.resolve();
    return false;
  });
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

const server = createServer((request, response) => {
  void bodyOf(request).then((body) => {
    try {
      take(body, request.headers['content-encoding'] ?? 'identity');
    } catch {
      state.wrong++;
    }
    response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end();
  });
});

const methods = {
  /** Returns where to send metrics to. */
  listen: async (): Promise<string> => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`;
  },
  state: (): SinkState => state,
  /** Resolves when so many points have arrived. */
  received: async (points: number): Promise<SinkState> => {
    if (state.points < points) {
      await new Promise<void>((resolve) => void waiting.push({ points, resolve }));
    }
    return state;
  },
  /** Begins at zero. */
  reset: ({ attributes }: { attributes: number }): void => {
    state = { ...EMPTY };
    expectedAttributes = attributes;
    delays = undefined;
  },
  watch: (): void => void (delays = []),
  delays: (): number[] => delays ?? [],
};
export type Methods = typeof methods;
answer(methods);
