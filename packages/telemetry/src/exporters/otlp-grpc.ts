/**
 * OTLP over gRPC.
 *
 * In: the bytes of one request. Out: the bytes of its response, or what its status says. Messages pass as bytes: neither
 * side of the call is encoded here. Invariant: one connection at a time is used for new calls; one whose credentials were
 * replaced closes when its calls have ended. The library's own retries are off: the pipeline decides.
 * On failure: NoAnswerError where no status came from the backend.
 */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Client, Metadata, StatusObject } from '@grpc/grpc-js';
import { VERSION } from '../version.ts';
import type { Credentials, TlsMaterial } from './credentials.ts';
import { answerOfStatus, mayBeLocal, refusedBy } from './grpc-status.ts';
import type { OtlpConfig } from './otlp-config.ts';
import { NoAnswerError, type OtlpAnswer, type OtlpTransport } from './otlp-transport.ts';
import type { TelemetrySignal } from './resolve.ts';

export type Grpc = typeof import('@grpc/grpc-js');

const METHODS: Readonly<Record<TelemetrySignal, string>> = {
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
};
/** The library waits up to two minutes before it tries to connect again; the pipeline has a back-off of its own. */
const MAX_RECONNECT_MILLIS = 2000;

/** In the place of a server name, where there is only an address: the library would pass that, which Node.js 26 refuses. */
const NO_NAME = 'address.invalid';

interface Connection {
  readonly client: Client;
  readonly material: string;
  calls: number;
}

export class GrpcTransport implements OtlpTransport {
  readonly encoding = 'protobuf';
  readonly where: string;
  /** A gRPC server refuses more by default, the OpenTelemetry Collector among them. */
  readonly maxRequestBytes: number = 4 * 1024 * 1024;
  readonly #grpc: Grpc;
  readonly #method: string;
  readonly #config: OtlpConfig;
  readonly #credentials: Credentials;
  #connection: Connection | undefined;

  constructor(grpc: Grpc, signal: TelemetrySignal, config: OtlpConfig, credentials: Credentials) {
    this.#grpc = grpc;
    this.#method = METHODS[signal];
    this.#config = config;
    this.#credentials = credentials;
    this.where = config.url;
  }

  /** The library compresses, and copies what it sends. */
  async compress(payload: Uint8Array): Promise<Uint8Array> {
    return payload;
  }

  async send(payload: Uint8Array, signal: AbortSignal): Promise<OtlpAnswer> {
    const [tls, authorization] = await Promise.all([this.#credentials.tls(), this.#credentials.headers()]);
    signal.throwIfAborted();
    const connection = this.#connectionWith(tls);
    connection.calls++;
    try {
      return await this.#call(connection.client, payload, this.#metadata(authorization), signal);
    } finally {
      connection.calls--;
      if (connection !== this.#connection && connection.calls === 0) connection.client.close();
    }
  }

  #call(client: Client, payload: Uint8Array, metadata: Metadata, signal: AbortSignal): Promise<OtlpAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<OtlpAnswer>();
    const body = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    let response: Buffer = Buffer.of();
    let hasBegunAnswer = false;
    // The status comes after it, and says more than the error it gets.
    const call = client.makeUnaryRequest(this.#method, identity, identity, body, metadata, {}, (_, value) => {
      response = value ?? response;
    });
    // The peer is the target's name until the call has got a connection.
    const isSent = (): boolean => call.getPeer() !== client.getChannel().getTarget();
    const abort = (): void => {
      reject(new NoAnswerError(signal.reason, isSent()));
      call.cancel();
    };
    signal.addEventListener('abort', abort, { once: true });
    call.once('metadata', () => (hasBegunAnswer = true));
    call.once('status', (status: StatusObject) => {
      signal.removeEventListener('abort', abort);
      const refused = refusedBy(status);
      if (refused !== undefined) this.#credentials.refused(refused);
      // What the library makes up has no trailers.
      const isAnswer =
        Object.keys(status.metadata.getMap()).length > 0 || (hasBegunAnswer && !mayBeLocal(status));
      if (status.code === this.#grpc.status.OK) {
        resolve({ status: 'accepted', encoding: 'protobuf', body: response });
      } else if (isAnswer) {
        resolve(answerOfStatus({ ...status, statusDetails: statusDetails(status.metadata) }));
      } else {
        reject(new NoAnswerError(new Error(status.details), isSent()));
      }
    });
    return promise;
  }

  #metadata(authorization: Readonly<Record<string, string>>): Metadata {
    const metadata = new this.#grpc.Metadata();
    for (const [name, value] of Object.entries({ ...this.#config.headers, ...authorization })) {
      metadata.set(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
    }
    return metadata;
  }

  #connectionWith(tls: TlsMaterial): Connection {
    const material = JSON.stringify([tls.ca, tls.cert, tls.key]);
    const current = this.#connection;
    if (current?.material === material) return current;
    const { protocol, hostname, port } = new URL(this.#config.url);
    const isSecure = protocol === 'https:';
    const address = hostname.replaceAll(/[[\]]/g, '');
    const isAddress = isSecure && isIP(address) !== 0;
    const check = (_name: string, certificate: PeerCertificate) => checkServerIdentity(address, certificate);
    const verification = isAddress ? { checkServerIdentity: check } : {};
    const { credentials, compressionAlgorithms } = this.#grpc;
    const client = new this.#grpc.Client(
      `dns:${hostname}:${port === '' ? (isSecure ? 443 : 80) : port}`,
      isSecure
        ? credentials.createSsl(bytesOf(tls.ca), bytesOf(tls.key), bytesOf(tls.cert), verification)
        : credentials.createInsecure(),
      {
        ...(isAddress ? { 'grpc.ssl_target_name_override': NO_NAME } : {}),
        'grpc.primary_user_agent': `multistorageclient-telemetry/${VERSION}`,
        'grpc.enable_retries': 0,
        'grpc.enable_http_proxy': 0,
        'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_MILLIS,
        // Otherwise clients of the same target share a connection.
        'grpc.use_local_subchannel_pool': 1,
        'grpc.default_compression_algorithm': compressionAlgorithms[algorithmOf(this.#config)],
      },
    );
    this.#connection = { client, material, calls: 0 };
    if (current?.calls === 0) current.client.close();
    return this.#connection;
  }

  close(): void {
    this.#credentials.close();
    this.#connection?.client.close();
  }
}

function algorithmOf({ compression }: OtlpConfig): 'gzip' | 'deflate' | 'identity' {
  return compression === 'gzip' || compression === 'deflate' ? compression : 'identity';
}

function statusDetails(metadata: Metadata): Uint8Array | undefined {
  const [details] = metadata.get('grpc-status-details-bin');
  return typeof details === 'string' ? undefined : details;
}

function bytesOf(pem: string | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}

function identity(bytes: Buffer): Buffer {
  return bytes;
}
