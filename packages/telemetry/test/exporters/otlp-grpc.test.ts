import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
import { FileCredentials } from '../../src/exporters/credentials.ts';
import { encodeProtobuf } from '../../src/exporters/otlp-encode.ts';
import { OtlpExporter } from '../../src/exporters/otlp-exporter.ts';
import { GrpcTransport } from '../../src/exporters/otlp-grpc.ts';
import type { OtlpConfig } from '../../src/exporters/otlp-config.ts';
import { METRICS } from '../../src/exporters/otlp-metrics.ts';
import { encodeSpansProtobuf } from '../../src/exporters/otlp-spans.ts';
import { TRACES } from '../../src/exporters/otlp-traces.ts';
import { changingCredentials, otlpConfig } from './backend.ts';
import { batchOf, gauge, RESOURCE, sum } from './batches.ts';
import { createCertificate } from './certificates.ts';
import { startGrpcBackend, type GrpcAnswer, type GrpcReceived } from './grpc-backend.ts';
import { field } from './protobuf.ts';
import { FULL_SPAN, span, spanBatchOf } from './span-batches.ts';

const BATCH = batchOf(gauge([1, 2, 3]), sum(4));
const ACCEPTED = { status: 'accepted', rejectedPoints: 0 };

function overGrpc(url: string, over: Partial<OtlpConfig> = {}): OtlpExporter<typeof BATCH> {
  const config = otlpConfig(url, { protocol: 'grpc', ...over });
  return new OtlpExporter(
    METRICS,
    config,
    new GrpcTransport(grpc, 'metrics', config, new FileCredentials(config)),
  );
}

async function listenTcp(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

suite('OTLP over gRPC', () => {
  test('sends bytes to the services of both signals, with headers as metadata', async (t) => {
    const backend = await startGrpcBackend(t);
    const headers = { authorization: 'Bearer x', 'trace-bin': 'AAEC' };
    const metrics = overGrpc(backend.url, { headers });
    assert.deepEqual(await metrics.export(BATCH, 5000), ACCEPTED);
    const config = otlpConfig(backend.url, { protocol: 'grpc' });
    const transport = new GrpcTransport(grpc, 'traces', config, new FileCredentials(config));
    const traces = new OtlpExporter(TRACES, config, transport);
    const spans = spanBatchOf([RESOURCE, [FULL_SPAN, span('b')]]);
    assert.deepEqual(await traces.export(spans, 5000), ACCEPTED);
    const [first, second] = backend.received;
    assert.equal(first.method, '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export');
    assert.deepEqual(first.body, Buffer.from(encodeProtobuf(BATCH)));
    assert.deepEqual(first.metadata.get('authorization'), ['Bearer x']);
    assert.deepEqual(first.metadata.get('trace-bin'), [Buffer.of(0, 1, 2)]);
    assert.match(String(first.metadata.get('user-agent')), /^multistorageclient-telemetry\/\d/);
    assert.equal(second.method, '/opentelemetry.proto.collector.trace.v1.TraceService/Export');
    assert.deepEqual(second.body, Buffer.from(encodeSpansProtobuf(spans)));
    await Promise.all([metrics.shutdown(), traces.shutdown()]);
  });

  test('gzip, as the bytes on the wire have it', async (t) => {
    const { promise: sent, resolve: arrived } = Promise.withResolvers<Buffer>();
    const server = createHttp2Server();
    server.on('stream', (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('end', () => {
        if (headers['grpc-encoding'] === 'gzip') arrived(Buffer.concat(chunks));
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.alloc(5));
      });
    });
    const exporter = overGrpc(await listenTcp(t, server), { compression: 'gzip' });
    assert.deepEqual(await exporter.export(BATCH, 5000), ACCEPTED);
    await exporter.shutdown();
    const frame = await sent;
    assert.equal(frame[0], 1, 'compressed');
    assert.deepEqual(gunzipSync(frame.subarray(5)), Buffer.from(encodeProtobuf(BATCH)));
  });

  test('a partial success comes through', async (t) => {
    const partial = field(1, Buffer.concat([Buffer.of(8, 2), field(2, 'too old')]));
    const backend = await startGrpcBackend(t, () => partial);
    const outcome = await overGrpc(backend.url).export(BATCH, 5000);
    assert.deepEqual(outcome, { status: 'accepted', rejectedPoints: 2, message: 'too old' });
  });

  test('the status of the backend decides', async (t) => {
    const answers: GrpcAnswer[] = [
      { code: grpc.status.INVALID_ARGUMENT, details: 'bad name' },
      { code: grpc.status.UNAVAILABLE, details: 'starting' },
      { code: grpc.status.RESOURCE_EXHAUSTED, details: 'message larger than max' },
      Buffer.of(),
    ];
    const backend = await startGrpcBackend(t, () => answers.shift());
    const exporter = overGrpc(backend.url);
    const rejected = await exporter.export(BATCH, 5000);
    assert.ok(rejected.status === 'rejected');
    assert.equal(rejected.error.message, `${backend.url}: gRPC status INVALID_ARGUMENT: bad name`);
    const retry = await exporter.export(BATCH, 5000);
    assert.ok(retry.status === 'retry');
    assert.ok(!retry.unanswered, 'it was answered');
    assert.equal((await exporter.export(BATCH, 5000)).status, 'too-large');
    assert.deepEqual(await exporter.export(BATCH, 5000), ACCEPTED);
  });

  test('the delay of a RetryInfo', async (t) => {
    const type = field(1, 'type.googleapis.com/google.rpc.RetryInfo');
    const info = field(3, Buffer.concat([type, field(2, field(1, Buffer.of(8, 3)))]));
    const backend = await startGrpcBackend(t, () => ({
      code: grpc.status.UNAVAILABLE,
      statusDetails: info,
    }));
    const outcome = await overGrpc(backend.url).export(BATCH, 5000);
    assert.ok(outcome.status === 'retry');
    assert.equal(outcome.afterMillis, 3000);
  });

  test('no answer in time: the request may have arrived', async (t) => {
    const backend = await startGrpcBackend(t, () => undefined);
    const exporter = overGrpc(backend.url);
    const outcome = await exporter.export(BATCH, 300);
    assert.ok(outcome.status === 'retry');
    assert.match(outcome.error.message, /nothing came back within 300 ms/);
    assert.equal(outcome.unanswered, true);
    assert.equal(backend.received.length, 1);
  });

  test('a connection that is lost behind the request', async (t) => {
    const backend = await startGrpcBackend(t, () => {
      setImmediate(() => backend.server.forceShutdown());
      return undefined;
    });
    const outcome = await overGrpc(backend.url).export(BATCH, 5000);
    assert.ok(outcome.status === 'retry');
    assert.equal(outcome.unanswered, true);
  });

  test('a backend that is not there, and then is', async (t) => {
    const { url, server } = await startGrpcBackend(t);
    server.forceShutdown();
    const exporter = overGrpc(url);
    const outcome = await exporter.export(BATCH, 5000);
    assert.ok(outcome.status === 'retry');
    assert.match(outcome.error.message, /ECONNREFUSED/);
    assert.ok(!outcome.unanswered);
    const backend = await startGrpcBackend(t, undefined, undefined, Number(new URL(url).port));
    let status = '';
    for (let tries = 0; tries < 100 && status !== 'accepted'; tries++) {
      await sleep(50);
      ({ status } = await exporter.export(BATCH, 5000));
    }
    assert.equal(status, 'accepted');
    assert.equal(backend.received.length, 1);
  });

  test('something that does not speak gRPC', async (t) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('SSH-2.0-server\r\n');
    });
    const url = await listenTcp(t, server);
    const outcome = await overGrpc(url).export(BATCH, 2000);
    assert.equal(outcome.status, 'retry');
  });

  test('a request over the limit of the Collector is split instead of sent', async (t) => {
    const backend = await startGrpcBackend(t);
    const [series] = gauge([1, 2]).series;
    const attributes = { text: 'x'.repeat(3 * 1024 * 1024) };
    const batch = batchOf(gauge([], { series: [{ ...series, attributes }] }));
    assert.equal((await overGrpc(backend.url).export(batch, 5000)).status, 'too-large');
    assert.equal(backend.received.length, 0);
  });

  test('shutdown waits for what is under way', async (t) => {
    const arrived = Promise.withResolvers<void>();
    const backend = await startGrpcBackend(t, () => {
      arrived.resolve();
      return Buffer.of();
    });
    const exporter = overGrpc(backend.url);
    const underWay = exporter.export(BATCH, 5000);
    await arrived.promise;
    await exporter.shutdown();
    assert.deepEqual(await underWay, ACCEPTED);
    assert.equal((await exporter.export(BATCH, 5000)).status, 'retry');
  });

  test('a request that is under way finishes on the connection with the former certificates', async (t) => {
    const { key, certificate } = createCertificate('backend');
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
    const waiting: GrpcReceived[] = [];
    const backend = await startGrpcBackend(
      t,
      (received) => {
        // The first answer comes after the second request.
        if (waiting.push(received) === 2) for (const { answer } of waiting) answer(Buffer.of());
        return undefined;
      },
      grpc.ServerCredentials.createSsl(null, [pair]),
    );
    const config = otlpConfig(backend.url.replace('http:', 'https:'), { protocol: 'grpc' });
    const transport = new GrpcTransport(grpc, 'metrics', config, changingCredentials(certificate));
    const exporter = new OtlpExporter(METRICS, config, transport);
    const outcomes = await Promise.all([exporter.export(BATCH, 5000), exporter.export(BATCH, 5000)]);
    assert.deepEqual(outcomes, [ACCEPTED, ACCEPTED]);
    await exporter.shutdown();
  });

  test('mutual TLS, with certificates that are renewed while it runs', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'msc-tls-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const write = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    const authority = createCertificate('backend');
    const clients = [createCertificate('first'), createCertificate('second')];
    const seen: unknown[] = [];
    const credentials = grpc.ServerCredentials.createSsl(
      Buffer.from(clients.map(({ certificate }) => certificate).join('')),
      [{ private_key: Buffer.from(authority.key), cert_chain: Buffer.from(authority.certificate) }],
      true,
    );
    const backend = await startGrpcBackend(
      t,
      ({ call }) => {
        seen.push(call.getAuthContext().sslPeerCertificate?.subject.CN);
        return Buffer.of();
      },
      credentials,
    );
    const exporter = overGrpc(backend.url.replace('http:', 'https:'), {
      certificateFile: write('ca.pem', authority.certificate),
      clientCertificateFile: write('client.pem', clients[0].certificate),
      clientKeyFile: write('client.key', clients[0].key),
    });
    assert.deepEqual(await exporter.export(BATCH, 5000), ACCEPTED);
    write('client.pem', clients[1].certificate);
    write('client.key', clients[1].key);
    assert.deepEqual(await exporter.export(BATCH, 5000), ACCEPTED);
    assert.deepEqual(seen, ['first', 'second']);
    write('ca.pem', clients[1].certificate);
    const untrusted = await exporter.export(BATCH, 5000);
    assert.ok(untrusted.status === 'retry');
    assert.ok(!untrusted.unanswered, 'nothing went to a backend that is not trusted');
    rmSync(join(directory, 'client.key'));
    const outcome = await exporter.export(BATCH, 5000);
    assert.equal(outcome.status, 'retry');
    assert.match(outcome.error.message, /ENOENT.*client\.key/);
  });
});
