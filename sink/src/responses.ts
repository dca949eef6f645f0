import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { RequestKind } from './body.ts';

/** What a request handler gets to see. */
export interface SinkRequest extends RequestKind {
  /** Counts the requests of this sink from 1. */
  readonly number: number;
  readonly headers: IncomingHttpHeaders;
  /** The body as it was sent. */
  readonly encodedBytes: number;
  /** The body without its content encoding. */
  readonly body: Uint8Array;
}

/**
 * What becomes of a request. Only with `accept` and `reset` with `accepted` are its points kept.
 *
 * - `accept`: 200. With `rejectedDataPoints` it is a partial success: that many points, or spans, at the end of the
 *   request are not kept. The points count from the moment of acceptance, even where `delayMillis` lets the answer come too late.
 * - `status`: this status code, with a `google.rpc.Status` as the body unless one is given.
 * - `reset`: the connection is reset, before or after the points were accepted.
 * - `hang`: no answer, ever; the connection stays open.
 */
export type SinkResponse =
  | {
      readonly action: 'accept';
      readonly rejectedDataPoints?: number;
      readonly errorMessage?: string;
      readonly delayMillis?: number;
    }
  | {
      readonly action: 'status';
      readonly status: number;
      readonly headers?: OutgoingHttpHeaders;
      readonly body?: string | Uint8Array;
      readonly delayMillis?: number;
    }
  | { readonly action: 'reset'; readonly accepted: boolean }
  | { readonly action: 'hang' };

/** Decides about each request; `undefined` accepts it. */
export type SinkHandler = (
  request: SinkRequest,
) => SinkResponse | undefined | Promise<SinkResponse | undefined>;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

/** A message with a varint in field 1 and a string in field 2, as all of OTLP's answers have. */
function message(value: number, text: string): Buffer {
  const utf8 = Buffer.from(text);
  const number = value === 0 ? [] : [0x08, ...varint(value)];
  const string = utf8.length === 0 ? [] : [0x12, ...varint(utf8.length), ...utf8];
  return Buffer.from([...number, ...string]);
}

/** `google.rpc.Status`, the body that OTLP asks for in all answers but 200. */
export function encodeStatus(text: string): Buffer {
  return message(0, text);
}

/** `ExportMetricsServiceResponse`; without rejected points and message it is empty, which means full success. */
export function encodeResponse(rejectedDataPoints: number, errorMessage: string): Buffer {
  const partialSuccess = message(rejectedDataPoints, errorMessage);
  if (partialSuccess.length === 0) return partialSuccess;
  return Buffer.concat([Buffer.from([0x0a, ...varint(partialSuccess.length)]), partialSuccess]);
}

/** The same as JSON, for a request in JSON. */
export function jsonResponse(
  signal: RequestKind['signal'],
  rejected: number,
  errorMessage: string,
): { body: string; headers: OutgoingHttpHeaders } {
  const field = signal === 'metrics' ? 'rejectedDataPoints' : 'rejectedSpans';
  const partial = {
    ...(rejected > 0 && { [field]: String(rejected) }),
    ...(errorMessage !== '' && { errorMessage }),
  };
  const body = JSON.stringify(Object.keys(partial).length === 0 ? {} : { partialSuccess: partial });
  return { body, headers: { 'content-type': 'application/json' } };
}

/** Sends an answer; does nothing where the client is gone. */
export function send(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  headers: OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/x-protobuf',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
