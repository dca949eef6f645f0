import { hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { decompress, kindOf, readBody, Refusal, type RequestKind } from './body.ts';
import { Decoder } from './decode.ts';
import { transcode } from './json.ts';
import { METRICS_REQUEST, TRACES_REQUEST } from './otlp-schema.ts';
import { type Point, Points } from './points.ts';
import {
  encodeResponse,
  encodeStatus,
  jsonResponse,
  send,
  type SinkHandler,
  type SinkResponse,
} from './responses.ts';
import { type Span, SpanDecoder } from './spans.ts';
import { MalformedError } from './wire.ts';

/** Options of `startSink`. */
export interface SinkOptions {
  /** Port on 127.0.0.1; 0, the default, takes a free one. */
  readonly port?: number;
  /** Bytes of the largest body that is not answered with 413, before and after decompression. Default 20 MiB. */
  readonly maxBodyBytes?: number;
}

/** A running OTLP/HTTP backend for metrics and traces in this process. */
export class Sink {
  readonly #server: Server;
  readonly #maxBodyBytes: number;
  readonly #points: Points = new Points();
  readonly #decoder: Decoder = new Decoder(this.#points);
  readonly #spanDecoder: SpanDecoder = new SpanDecoder();
  readonly #spans: Span[] = [];
  /** Points or spans of every accepted request, by the hash of its body. */
  readonly #accepted: Map<string, number> = new Map();
  readonly #observers: Set<() => void> = new Set();
  #port = 0;
  #handler: SinkHandler | undefined;
  #paused = false;
  #requests = 0;
  #acceptedRequests = 0;
  #duplicateRequests = 0;
  #duplicatePoints = 0;
  #rejectedPoints = 0;
  #duplicateSpans = 0;
  #rejectedSpans = 0;

  /** For `startSink` only. */
  constructor(maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes;
    // Idle connections stay open, so that none closes at the moment at which a client uses it again.
    this.#server = createServer(
      { keepAliveTimeout: 0 },
      (request, response) => void this.#serve(request, response),
    );
  }

  get port(): number {
    return this.#port;
  }

  /** Where metrics go. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/v1/metrics`;
  }

  get tracesUrl(): string {
    return `http://127.0.0.1:${this.#port}/v1/traces`;
  }

  /** Every data point of every accepted request, but those of duplicates. */
  get points(): Points {
    return this.#points;
  }

  /** Requests that arrived, whatever became of them. */
  get requests(): number {
    return this.#requests;
  }

  /** Requests whose points were accepted, duplicates among them. */
  get acceptedRequests(): number {
    return this.#acceptedRequests;
  }

  /** Accepted requests whose body had been accepted before, byte for byte. Their points are not kept twice. */
  get duplicateRequests(): number {
    return this.#duplicateRequests;
  }

  get duplicatePoints(): number {
    return this.#duplicatePoints;
  }

  /** Points that partial successes left out. */
  get rejectedPoints(): number {
    return this.#rejectedPoints;
  }

  /** Every span of every accepted request, but those of duplicates, in the order of arrival. */
  get spans(): readonly Span[] {
    return this.#spans;
  }

  get duplicateSpans(): number {
    return this.#duplicateSpans;
  }

  /** Spans that partial successes left out. */
  get rejectedSpans(): number {
    return this.#rejectedSpans;
  }

  /** The points of all metrics of this name, in the order of arrival. */
  pointsOf(metricName: string): Generator<Point, void> {
    return this.#points.of(metricName);
  }

  /** Lets `handler` decide about all requests from now on; `undefined` accepts them all again. */
  respond(handler: SinkHandler | undefined): void {
    this.#handler = handler;
  }

  /** Answers 503 to every request until `resume`; the handler is not asked. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  /** Resolves when `condition` holds: tried now, and when a request arrives or is accepted. Rejects after the timeout. */
  async until(condition: (sink: Sink) => boolean, timeoutMillis: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const observe = (): void => {
      try {
        if (condition(this)) resolve();
      } catch (error) {
        reject(error);
      }
    };
    const expire = (): void => {
      const state = `${this.#requests} requests, ${this.#points.length} points, ${this.#duplicatePoints} duplicates, ${this.#spans.length} spans`;
      reject(new Error(`sink: not so within ${timeoutMillis} ms; got ${state}: ${condition.toString()}`));
    };
    const timer = setTimeout(expire, timeoutMillis);
    this.#observers.add(observe);
    try {
      observe();
      await promise;
    } finally {
      clearTimeout(timer);
      this.#observers.delete(observe);
    }
  }

  /** Goes away like a backend that stops: closes the listener and every connection. Idempotent. */
  async down(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Listens (again), on the same port. Idempotent. */
  async up(port: number = this.#port): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
  }

  /** Stops for good; the points stay readable. */
  close(): Promise<void> {
    return this.down();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const number = ++this.#requests;
    this.#observe();
    try {
      await this.#answer(number, request, response);
    } catch (error) {
      // A client that is gone before its body was read gets no answer.
      if (!request.complete) return;
      const status = error instanceof Refusal ? error.status : error instanceof MalformedError ? 400 : 500;
      send(response, status, encodeStatus(String(error)));
    }
  }

  async #answer(number: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const encoded = await readBody(request, this.#maxBodyBytes);
    if (this.#paused) throw new Refusal(503, 'paused');
    const kind = kindOf(request);
    const { headers } = request;
    const body = decompress(encoded, headers['content-encoding'], this.#maxBodyBytes);
    const seen = { ...kind, number, headers, encodedBytes: encoded.length, body };
    const decision: SinkResponse = (await this.#handler?.(seen)) ?? { action: 'accept' };
    switch (decision.action) {
      case 'accept': {
        const { rejectedDataPoints = 0, errorMessage = '', delayMillis } = decision;
        this.#accept(kind, body, rejectedDataPoints);
        await delay(delayMillis);
        if (kind.encoding === 'protobuf') {
          send(response, 200, encodeResponse(rejectedDataPoints, errorMessage));
        } else {
          const answer = jsonResponse(kind.signal, rejectedDataPoints, errorMessage);
          send(response, 200, answer.body, answer.headers);
        }
        break;
      }
      case 'status':
        await delay(decision.delayMillis);
        send(response, decision.status, decision.body ?? encodeStatus('scripted'), decision.headers);
        break;
      case 'reset':
        if (decision.accepted) this.#accept(kind, body, 0);
        request.socket.resetAndDestroy();
        break;
      case 'hang':
        break;
    }
  }

  #accept({ signal, encoding }: RequestKind, body: Buffer, rejected: number): void {
    const digest = hash('sha256', body, 'base64');
    const known = this.#accepted.get(digest);
    const isMetrics = signal === 'metrics';
    if (known === undefined) {
      const schema = isMetrics ? METRICS_REQUEST : TRACES_REQUEST;
      const bytes = encoding === 'json' ? transcode(body, schema) : body;
      this.#accepted.set(
        digest,
        isMetrics ? this.#keepPoints(bytes, rejected) : this.#keepSpans(bytes, rejected),
      );
    } else {
      this.#duplicateRequests++;
      if (isMetrics) this.#duplicatePoints += known;
      else this.#duplicateSpans += known;
    }
    this.#acceptedRequests++;
    this.#observe();
  }

  #keepPoints(bytes: Buffer, rejectedDataPoints: number): number {
    const decoded = this.#decoder.decode(bytes);
    const rejected = Math.min(rejectedDataPoints, decoded);
    this.#points.truncate(this.#points.length - rejected);
    this.#rejectedPoints += rejected;
    return decoded - rejected;
  }

  #keepSpans(bytes: Buffer, rejectedSpans: number): number {
    const decoded = this.#spanDecoder.decode(bytes);
    const kept = decoded.slice(0, Math.max(0, decoded.length - rejectedSpans));
    this.#spans.push(...kept);
    this.#rejectedSpans += decoded.length - kept.length;
    return kept.length;
  }

  #observe(): void {
    for (const observe of this.#observers) observe();
  }
}

/** Starts a sink on 127.0.0.1. Rejects where the port is taken. */
export async function startSink(options: SinkOptions = {}): Promise<Sink> {
  const sink = new Sink(options.maxBodyBytes ?? 20 * 2 ** 20);
  await sink.up(options.port ?? 0);
  return sink;
}

async function delay(millis: number | undefined): Promise<void> {
  if (millis !== undefined) await sleep(millis);
}
