import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import { VERSION } from '../version.ts';
import type { OtlpConfig } from './otlp-config.ts';
import { reasonOf } from './outcomes.ts';

/** Of an answer's body that is kept; the rest is not read. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Less than the idle timeout of common servers, so that a request rarely meets a connection that is being closed. */
const IDLE_CONNECTION_MILLIS = 4000;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  /** Why the body is not whole; the status stands all the same. */
  readonly incomplete?: string;
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

/** Posts to one URL over connections that are kept alive. */
export class OtlpTransport {
  readonly #config: OtlpConfig;
  readonly #secure: boolean;
  #agent: HttpAgent | HttpsAgent | undefined;
  #credentials: string | undefined;

  constructor(config: OtlpConfig) {
    this.#config = config;
    this.#secure = config.url.startsWith('https:');
  }

  /**
   * Compresses and sends.
   *
   * @throws NoAnswerError where there was no connection, it ended early, or `signal` aborted; any other error before the
   *   request was begun.
   */
  async post(payload: Uint8Array, signal: AbortSignal): Promise<HttpAnswer> {
    const { compression, headers } = this.#config;
    const [body, agent] = await Promise.all([compress(payload, compression), this.#currentAgent()]);
    signal.throwIfAborted();
    return await this.#exchange(body, signal, {
      method: 'POST',
      agent,
      headers: {
        'user-agent': `multistorageclient-telemetry/${VERSION}`,
        ...headers,
        'content-type': 'application/x-protobuf',
        'content-length': body.length,
        ...(compression === 'none' ? {} : { 'content-encoding': compression }),
      },
    });
  }

  #exchange(body: Uint8Array, signal: AbortSignal, options: RequestOptions): Promise<HttpAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const request = (this.#secure ? httpsRequest : httpRequest)(this.#config.url, options);
    let sent = false;
    request.once('finish', () => (sent = true));
    // Once there is a status, it decides: what follows can only cut the body short.
    let fail = (cause: unknown): void => reject(new NoAnswerError(cause, sent));
    request.once('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      const answer = (incomplete?: string): void =>
        resolve({ status, headers, body: Buffer.concat(chunks), ...(incomplete && { incomplete }) });
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

  /** Files are read for each request, so that renewed certificates are used without a restart. */
  async #currentAgent(): Promise<HttpAgent | HttpsAgent> {
    const { certificateFile, clientCertificateFile, clientKeyFile } = this.#config;
    const files = this.#secure ? [certificateFile, clientCertificateFile, clientKeyFile] : [];
    const [ca, cert, key] = await Promise.all(files.map(readPem));
    const credentials = JSON.stringify([ca, cert, key]);
    if (this.#agent === undefined || this.#credentials !== credentials) {
      const options = { keepAlive: true, timeout: IDLE_CONNECTION_MILLIS };
      // The former agent's connections finish what they are doing and idle out.
      this.#agent = this.#secure ? new HttpsAgent({ ...options, ca, cert, key }) : new HttpAgent(options);
      this.#credentials = credentials;
    }
    return this.#agent;
  }

  /** Closes all connections. */
  close(): void {
    this.#agent?.destroy();
  }
}

async function readPem(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : await readFile(file, 'utf8');
}

const gzipAsync = promisify<Uint8Array, object, Buffer>(gzip);
const zstdAsync = promisify<Uint8Array, object, Buffer>(zstdCompress);

/** Fast levels: metrics are so repetitive that higher ones cost several times as much for a few percent. */
async function compress(payload: Uint8Array, compression: OtlpConfig['compression']): Promise<Uint8Array> {
  if (compression === 'gzip') return await gzipAsync(payload, { level: 1, memLevel: 9 });
  if (compression === 'none') return payload;
  return await zstdAsync(payload, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}
