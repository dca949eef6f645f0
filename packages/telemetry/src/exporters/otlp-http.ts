import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { promisify } from 'node:util';
import { constants, deflate, gzip, zstdCompress } from 'node:zlib';
import { VERSION } from '../version.ts';
import type { Credentials, TlsMaterial } from './credentials.ts';
import { exchange } from './http-exchange.ts';
import { answerOf } from './otlp-answer.ts';
import type { OtlpConfig } from './otlp-config.ts';
import type { OtlpAnswer, OtlpEncoding, OtlpTransport } from './otlp-transport.ts';
import { isCredentialRefusal } from './outcomes.ts';
import { gzipRepeats, type Repeat } from './repeat-gzip.ts';

/** Less than the idle timeout of common servers, so that a request rarely meets a connection that is being closed. */
const IDLE_CONNECTION_MILLIS = 4000;

/** Posts to one URL over connections that are kept alive. */
export class HttpTransport implements OtlpTransport {
  readonly encoding: OtlpEncoding;
  readonly where: string;
  /** The OpenTelemetry Collector refuses more by default. */
  readonly maxRequestBytes: number = 20 * 1024 * 1024;
  readonly #config: OtlpConfig;
  readonly #credentials: Credentials;
  #agent: HttpAgent | HttpsAgent | undefined;
  /** What the agent was made with. */
  #material: string | undefined;

  constructor(config: OtlpConfig, credentials: Credentials) {
    this.#config = config;
    this.#credentials = credentials;
    this.encoding = config.protocol === 'http/json' ? 'json' : 'protobuf';
    const { origin, pathname } = new URL(config.url);
    this.where = origin + pathname;
  }

  compress(payload: Uint8Array, repeats: readonly Repeat[]): Promise<Uint8Array> {
    return compress(payload, repeats, this.#config.compression);
  }

  async send(body: Uint8Array, signal: AbortSignal): Promise<OtlpAnswer> {
    const { compression, headers, url } = this.#config;
    const [tls, authorization] = await Promise.all([this.#credentials.tls(), this.#credentials.headers()]);
    signal.throwIfAborted();
    const options = {
      method: 'POST',
      agent: this.#agentWith(tls),
      headers: {
        'user-agent': `multistorageclient-telemetry/${VERSION}`,
        ...headers,
        ...authorization,
        'content-type': this.encoding === 'json' ? 'application/json' : 'application/x-protobuf',
        'content-length': body.length,
        ...(compression === 'none' ? {} : { 'content-encoding': compression }),
      },
    };
    try {
      const answer = await exchange(url, options, body, signal);
      if (answer.status === 401 || answer.status === 403) this.#credentials.refused('request');
      return answerOf(answer);
    } catch (error) {
      if (isCredentialRefusal(error)) this.#credentials.refused('connection');
      throw error;
    }
  }

  #agentWith(tls: TlsMaterial): HttpAgent | HttpsAgent {
    const material = JSON.stringify([tls.ca, tls.cert, tls.key]);
    if (this.#agent === undefined || this.#material !== material) {
      const options = { keepAlive: true, timeout: IDLE_CONNECTION_MILLIS };
      // The former agent's connections finish what they are doing and idle out.
      this.#agent = this.#config.url.startsWith('https:')
        ? new HttpsAgent({ ...options, ...tls })
        : new HttpAgent(options);
      this.#material = material;
    }
    return this.#agent;
  }

  /** Closes all connections. */
  close(): void {
    this.#credentials.close();
    this.#agent?.destroy();
  }
}

const gzipAsync = promisify<Uint8Array, object, Buffer>(gzip);
const deflateAsync = promisify<Uint8Array, object, Buffer>(deflate);
const zstdAsync = promisify<Uint8Array, object, Buffer>(zstdCompress);

/** Of output at a time: each is a task for a thread. */
const CHUNK_BYTES = 256 * 1024;
const FAST = { level: 1, memLevel: 9, chunkSize: CHUNK_BYTES };
const FAST_ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 }, chunkSize: CHUNK_BYTES };

/** Fast levels: telemetry is so repetitive that higher ones cost several times as much for a few percent. */
async function compress(
  payload: Uint8Array,
  repeats: readonly Repeat[],
  compression: OtlpConfig['compression'],
): Promise<Uint8Array> {
  if (compression === 'gzip') return gzipRepeats(payload, repeats) ?? (await gzipAsync(payload, FAST));
  if (compression === 'deflate') return await deflateAsync(payload, FAST);
  if (compression === 'none') return payload;
  return await zstdAsync(payload, FAST_ZSTD);
}
