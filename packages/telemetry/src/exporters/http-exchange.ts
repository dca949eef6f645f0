/**
 * One HTTP request over `node:http` or `node:https`: under OTLP over HTTP, and calls of identity providers and Vault.
 *
 * In: a URL, a body, and a signal that ends it. Out: status, headers, and up to 64 KiB of the answer's body.
 * Invariant: settles once. A status that has come is never lost: what fails after it only leaves the body incomplete.
 * On failure: NoAnswerError, which knows whether the request had been sent. Nothing is repeated here.
 */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { NoAnswerError } from './otlp-transport.ts';
import { reasonOf } from './outcomes.ts';

/** Of an answer's body that is kept; the rest is not read. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  /** Why the body is not whole; the status stands all the same. */
  readonly incomplete?: string;
  /** The answer came before the whole request had been handed to the connection. */
  readonly isSending?: true;
}

/**
 * One HTTP request and its answer.
 *
 * @throws NoAnswerError where there was no connection, it ended early, or `signal` aborted.
 */
export function exchange(
  url: string,
  options: RequestOptions,
  body: Uint8Array | string,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, options);
  let sent = false;
  request.once('finish', () => (sent = true));
  // Once there is a status, it decides: what follows can only cut the body short.
  let fail = (cause: unknown): void => reject(new NoAnswerError(cause, sent));
  request.once('response', (response) => {
    const { statusCode: status = 0, headers } = response;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const answer = (incomplete?: string): void =>
      resolve({
        status,
        headers,
        body: Buffer.concat(chunks),
        ...(incomplete !== undefined && { incomplete }),
        ...(!sent && { isSending: true }),
      });
    fail = (error) => answer(reasonOf(error));
    response.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length;
      const excess = Math.max(0, bytes - MAX_ANSWER_BYTES);
      chunks.push(chunk.subarray(0, chunk.length - excess));
      if (excess === 0) return;
      answer(`longer than ${MAX_ANSWER_BYTES} bytes`);
      request.destroy();
    });
    response.once('end', () => answer());
    response.once('error', (error) => fail(error));
  });
  request.on('error', (error) => fail(error));
  request.once('close', () => fail(new Error('the connection was closed without an answer')));
  const abort = (): void => {
    fail(signal.reason);
    request.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  request.end(body);
  return promise;
}
