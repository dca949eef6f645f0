/**
 * The backend of the bench: takes OTLP over HTTP, counts every data point, and looks closely at one of many.
 *
 * A program of its own whose CPU counts for nobody, but it runs on the same cores: it walks over requests by lengths, while they
 * arrive, and keeps none. What was compressed is inflated, since every point is counted. A point with a wrong number of attributes, a value outside of what
 * programs record, or a time that is not today's, is counted as wrong, and so is a request that is no protobuf.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable, Transform } from 'node:stream';
import { performance } from 'node:perf_hooks';
import { finished } from 'node:stream/promises';
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { decodePoint, PointCounter, type Visit } from '../otlp-walk.ts';
import { answer } from '../requests.ts';

const LOOK_EVERY = 4999;
const HOUR_NANOS = 3_600_000_000_000n;
/** What inflating gives at a time. */
const chunkSize = 128 * 1024;

const INFLATE: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip({ chunkSize }),
  deflate: () => createInflate({ chunkSize }),
  zstd: () => createZstdDecompress({ chunkSize }),
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
let untilLook = LOOK_EVERY;
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

/** Looks at one point of many, or at the time of each. */
function visitor(arrivedMillis: number): Visit {
  const watched = delays;
  if (watched !== undefined) {
    return (bytes, start, end) =>
      void watched.push(arrivedMillis - Number(decodePoint(bytes, start, end).epochNanos / 1000n) / 1000);
  }
  return (bytes, start, end) => {
    if (--untilLook > 0) return;
    untilLook = LOOK_EVERY;
    look(bytes, start, end);
  };
}

/** Counts the points of a request; they count when it has arrived as a whole. */
async function take(request: IncomingMessage): Promise<void> {
  const arrivedMillis = nowMillis();
  let bytes = 0;
  request.on('data', (piece: Buffer) => (bytes += piece.length));
  const inflate = INFLATE[request.headers['content-encoding'] ?? ''];
  const body: Readable = inflate === undefined ? request : request.pipe(inflate());
  const counter = new PointCounter(visitor(arrivedMillis));
  body.on('data', (piece: Buffer) => counter.push(piece));
  await finished(body);
  state.points += counter.end();
  state.bytes += bytes;
  state.requests++;
  state.lastMillis = nowMillis();
  waiting = waiting.filter((waiter) => {
    if (waiter.points > state.points) return true;
    waiter.resolve();
    return false;
  });
}

const server = createServer((request, response) => {
  void take(request)
    .catch(() => state.wrong++)
    .then(() =>
      response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end(),
    );
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
