import type { ExportOutcome } from './exporter.ts';

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
