/**
 * What carries the bytes of OTLP requests, and what comes back.
 *
 * In: one encoded request, compressed first. Out: that the backend has it, with the bytes of its response, or how else it ended.
 * Invariant: after `signal` has aborted, `send` settles at once.
 * On failure: NoAnswerError where nobody answered; any other error where the request was never begun.
 */
import type { ExportOutcome } from './exporter.ts';
import { reasonOf } from './outcomes.ts';
import type { Repeat } from './repeat-gzip.ts';

export type OtlpEncoding = 'protobuf' | 'json';

export interface OtlpTransport {
  readonly encoding: OtlpEncoding;
  /** Where requests go, for messages: without user, password and query. */
  readonly where: string;
  /** Larger requests are not sent: what backends take by default, counted before compression. */
  readonly maxRequestBytes: number;
  /** What `send` takes, in time for it: the payload itself where there is nothing to compress, or the transport does it later. */
  compress(payload: Uint8Array, repeats: readonly Repeat[]): Promise<Uint8Array>;
  send(body: Uint8Array, signal: AbortSignal): Promise<OtlpAnswer>;
  close(): void;
}

export type OtlpAnswer = OtlpResponse | OtlpFailure;
export type OtlpFailure = Exclude<ExportOutcome, { readonly status: 'accepted' }>;

/** The backend took the request; of some of it, its response may say otherwise. */
export interface OtlpResponse {
  readonly status: 'accepted';
  readonly encoding: OtlpEncoding;
  readonly body: Uint8Array;
  /** Why the body cannot be read, if it cannot. */
  readonly unreadable?: string;
  /** The answer came before the request was sent: its bytes are still read. */
  readonly isSending?: true;
}

/** Why there is no answer. */
export class NoAnswerError extends Error {
  /** The whole request had been handed to the connection, so it may have arrived. */
  readonly sent: boolean;

  constructor(cause: unknown, sent: boolean) {
    super(reasonOf(cause), { cause });
    this.name = 'NoAnswerError';
    this.sent = sent;
  }
}
