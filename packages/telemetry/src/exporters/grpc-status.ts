/**
 * What the status of a gRPC call says about an OTLP request.
 *
 * Only what the backend will never take is given up, as over HTTP: UNKNOWN and INTERNAL are its 500, UNIMPLEMENTED its 404,
 * UNAUTHENTICATED and PERMISSION_DENIED its 401 and 403, which end when credentials come back.
 */
import type { Refused } from './credentials.ts';
import type { OtlpFailure } from './otlp-transport.ts';
import { MAX_RETRY_AFTER_MILLIS, shorten } from './outcomes.ts';
import { protobufFields } from './protobuf-fields.ts';

export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  /** `grpc-status-details-bin`: a `google.rpc.Status`. */
  readonly statusDetails?: Uint8Array | undefined;
}

const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;
const GIVEN_UP: ReadonlyMap<number, string> = new Map([
  [3, 'INVALID_ARGUMENT'],
  [5, 'NOT_FOUND'],
  [6, 'ALREADY_EXISTS'],
  [9, 'FAILED_PRECONDITION'],
]);
const RETRIED: ReadonlyMap<number, string> = new Map([
  [CANCELLED, 'CANCELLED'],
  [2, 'UNKNOWN'],
  [DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED'],
  [PERMISSION_DENIED, 'PERMISSION_DENIED'],
  [RESOURCE_EXHAUSTED, 'RESOURCE_EXHAUSTED'],
  [10, 'ABORTED'],
  [11, 'OUT_OF_RANGE'],
  [12, 'UNIMPLEMENTED'],
  [13, 'INTERNAL'],
  [UNAVAILABLE, 'UNAVAILABLE'],
  [15, 'DATA_LOSS'],
  [UNAUTHENTICATED, 'UNAUTHENTICATED'],
]);
/** The words of the gRPC libraries; there is no code for it. */
const TOO_LARGE = /larger than max|too large|exceeds.*(size|length|limit)/i;
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

/** Whether the library makes this status up itself when it loses a connection. */
export function mayBeLocal({ code }: GrpcStatus): boolean {
  return [CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE].includes(code);
}

const HANDSHAKE_ENDED = /certificate|\bSSL\b|\bTLS\b|ECONNRESET|EPIPE|EPROTO/i;

/** What the backend may have refused for its credentials. */
export function refusedBy({ code, details }: GrpcStatus): Refused | undefined {
  if (code === UNAUTHENTICATED || code === PERMISSION_DENIED) return 'request';
  return code === UNAVAILABLE && HANDSHAKE_ENDED.test(details) ? 'connection' : undefined;
}

/** What a status other than OK says. */
export function answerOfStatus({ code, details, statusDetails }: GrpcStatus): OtlpFailure {
  const name = GIVEN_UP.get(code) ?? RETRIED.get(code) ?? String(code);
  const words = shorten(details);
  const error = new Error(`gRPC status ${name}${words === '' ? '' : `: ${words}`}`);
  if (GIVEN_UP.has(code)) return { status: 'rejected', error };
  const afterMillis = statusDetails === undefined ? undefined : retryDelayMillis(statusDetails);
  if (afterMillis !== undefined) return { status: 'retry', error, afterMillis };
  const isTooLarge = code === RESOURCE_EXHAUSTED && TOO_LARGE.test(details);
  return { status: isTooLarge ? 'too-large' : 'retry', error };
}

/** The delay of a RetryInfo among the details of a `google.rpc.Status`; undefined where there is none to be read. */
function retryDelayMillis(status: Uint8Array): number | undefined {
  try {
    for (const any of messages(status, 3)) {
      const [typeUrl] = messages(any, 1);
      if (typeUrl === undefined || Buffer.from(typeUrl).toString() !== RETRY_INFO) continue;
      for (const duration of messages(any, 2).flatMap((retryInfo) => messages(retryInfo, 1))) {
        const { 1: seconds = 0, 2: nanos = 0 } = Object.fromEntries(protobufFields(duration));
        if (typeof seconds !== 'number' || typeof nanos !== 'number') continue;
        return Math.min(seconds * 1000 + nanos / 1e6, MAX_RETRY_AFTER_MILLIS);
      }
    }
  } catch {
    // Bytes that are no Status: as if there were none.
  }
  return undefined;
}

function messages(bytes: Uint8Array, wanted: number): Uint8Array[] {
  return [...protobufFields(bytes)].flatMap(([field, value]) =>
    field === wanted && typeof value !== 'number' ? [value] : [],
  );
}
