import type { TestContext } from 'node:test';
import {
  Metadata,
  Server,
  ServerCredentials,
  type handleUnaryCall,
  type ServerUnaryCall,
} from '@grpc/grpc-js';

const METHODS = [
  '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
];

export interface GrpcReceived {
  readonly method: string;
  readonly body: Buffer;
  readonly metadata: Metadata;
  readonly call: ServerUnaryCall<Buffer, Buffer>;
  /** For an answer that comes later. */
  readonly answer: (bytes: Buffer) => void;
}

/** What the server answers: bytes, a status, or nothing at all. */
export type GrpcAnswer =
  | Uint8Array
  | { readonly code: number; readonly details?: string; readonly statusDetails?: Uint8Array }
  | undefined;

export interface GrpcBackend {
  /** With the scheme `http:`. */
  readonly url: string;
  readonly received: GrpcReceived[];
  readonly server: Server;
}

/** A real gRPC server with OTLP's services, whose messages are bytes; it ends with the test. */
export async function startGrpcBackend(
  t: TestContext,
  answer: (received: GrpcReceived) => GrpcAnswer = () => Buffer.of(),
  credentials: ServerCredentials = ServerCredentials.createInsecure(),
  port = 0,
): Promise<GrpcBackend> {
  const received: GrpcReceived[] = [];
  const server = new Server();
  for (const method of METHODS) {
    const handle: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      const later = (bytes: Buffer): void => callback(null, bytes);
      const each = { method, body: call.request, metadata: call.metadata, call, answer: later };
      received.push(each);
      const answered = answer(each);
      if (answered === undefined) return;
      if (answered instanceof Uint8Array) {
        callback(null, Buffer.from(answered));
        return;
      }
      const { code, details = '', statusDetails } = answered;
      const metadata = new Metadata();
      if (statusDetails !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(statusDetails));
      callback({ code, details, metadata });
    };
    server.register(method, handle, identity, identity, 'unary');
  }
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, number) =>
      error === null ? resolve(number) : reject(error),
    );
  });
  t.after(() => server.forceShutdown());
  return { url: `http://127.0.0.1:${bound}`, received, server };
}

function identity(bytes: Buffer): Buffer {
  return bytes;
}
