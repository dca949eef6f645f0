import type { ExportOutcome } from './exporter.ts';
import { isRecord } from './json.ts';

/** However long a backend asks to wait, it is asked again after this. */
export const MAX_RETRY_AFTER_MILLIS: number = 60 * 60 * 1000;

/** Asked for again: the request itself may be fine. 401, 403 and 404 end when credentials or a route come back. */
const TEMPORARY = new Set([401, 403, 404, 408, 429]);

/** What an HTTP status says about a request. Only what the backend will never take is given up. */
export function outcomeOfStatus(status: number): ExportOutcome['status'] {
  if (status >= 200 && status < 300) return 'accepted';
  if (status === 413) return 'too-large';
  return status >= 400 && status < 500 && !TEMPORARY.has(status) ? 'rejected' : 'retry';
}

/** A batch that could not be encoded: too big for a buffer or a string, or it never can be. */
export function outcomeOfEncodingError(cause: unknown): ExportOutcome {
  const error = new Error(`the batch cannot be encoded: ${reasonOf(cause)}`, { cause });
  return { status: cause instanceof RangeError ? 'too-large' : 'rejected', error };
}

/** What went wrong, in a few words; a failure to connect to several addresses at once has a code and no message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}

const MAX_MESSAGE_LENGTH = 300;

/** A backend's words on one line, without control characters: they go into a log. */
export function shorten(text: string): string {
  return text
    .slice(0, MAX_MESSAGE_LENGTH * 4)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_MESSAGE_LENGTH);
}

/** Not all servers say why they end a handshake: many just close the connection. */
const HANDSHAKE_ENDED = /^(ERR_SSL_|ERR_TLS_|ECONNRESET$|EPIPE$|EPROTO$)/;

/** Whether a connection may have ended because of its certificates. */
export function isCredentialRefusal(error: unknown): boolean {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return isRecord(cause) && typeof cause['code'] === 'string' && HANDSHAKE_ENDED.test(cause['code']);
}
