import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Server as TcpServer } from 'node:net';
import type { TestContext } from 'node:test';
import { FileCredentials, type Credentials } from '../../src/exporters/credentials.ts';
import type { OtlpConfig } from '../../src/exporters/otlp-config.ts';
import { HttpTransport } from '../../src/exporters/otlp-http.ts';
import { OtlpMetricsExporter } from '../../src/exporters/otlp-metrics.ts';

export interface Received {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

/** An HTTP server that collects what it gets and answers as it is told; it ends with the test. */
export async function startBackend(
  t: TestContext,
  answer: (response: ServerResponse, received: Received) => void,
): Promise<{ url: string; received: Received[]; server: Server }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const each = { request, body: Buffer.concat(chunks) };
      received.push(each);
      answer(response, each);
    });
  });
  return { url: await listen(t, server), received, server };
}

export async function listen(t: TestContext, server: Server | TcpServer): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/v1/metrics`;
}

export function otlpConfig(url: string, over: Partial<OtlpConfig> = {}): OtlpConfig {
  return {
    protocol: 'http/protobuf',
    url,
    headers: {},
    timeoutMillis: 10_000,
    compression: 'none',
    temporality: 'cumulative',
    ...over,
  };
}

/** Credentials that are others each time, but trust the same. */
export function changingCredentials(ca: string): Credentials {
  let lines = '';
  return {
    tls: async () => ({ ca: ca + (lines += '\n') }),
    headers: async () => ({}),
    refused: () => undefined,
    close: () => undefined,
  };
}

/** The exporter `otlp` for metrics over HTTP. */
export function overHttp(config: OtlpConfig): OtlpMetricsExporter {
  return new OtlpMetricsExporter(config, new HttpTransport(config, new FileCredentials(config)));
}
