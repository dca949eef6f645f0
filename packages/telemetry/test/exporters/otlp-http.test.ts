import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { FileCredentials } from '../../src/exporters/credentials.ts';
import { encodeProtobuf } from '../../src/exporters/otlp-encode.ts';
import { OtlpExporter } from '../../src/exporters/otlp-exporter.ts';
import { HttpTransport } from '../../src/exporters/otlp-http.ts';
import { encodeJson } from '../../src/exporters/otlp-json.ts';
import { OtlpMetricsExporter } from '../../src/exporters/otlp-metrics.ts';
import { encodeSpansProtobuf } from '../../src/exporters/otlp-spans.ts';
import { TRACES } from '../../src/exporters/otlp-traces.ts';
import { changingCredentials, listen, otlpConfig, overHttp, startBackend } from './backend.ts';
import { batchOf, gauge, OTHER_RESOURCE, RESOURCE, sum } from './batches.ts';
import { createCertificate } from './certificates.ts';
import { field } from './protobuf.ts';
import { FULL_SPAN, span, spanBatchOf } from './span-batches.ts';

const BATCH = batchOf(gauge([1, 2, 3]), sum(4), sum(5, { resource: OTHER_RESOURCE }));
const ACCEPTED = { status: 'accepted', rejectedPoints: 0 };

suite('OTLP over HTTP', () => {
  test('posts protobuf with the configured headers and compression', async (t) => {
    const backend = await startBackend(t, (response) => response.end());
    const headers = { authorization: 'Bearer x', 'content-type': 'text/plain' };
    const compressions = ['none', 'gzip', 'deflate', 'zstd'] as const;
    const outcomes = await Promise.all(
      compressions.map((compression) =>
        overHttp(otlpConfig(backend.url, { headers, compression })).export(BATCH, 5000),
      ),
    );
    assert.deepEqual(outcomes, [ACCEPTED, ACCEPTED, ACCEPTED, ACCEPTED]);
    const decoders = {
      none: (body: Buffer) => body,
      gzip: gunzipSync,
      deflate: inflateSync,
      zstd: zstdDecompressSync,
    };
    const seen = new Set<string>();
    for (const { request, body } of backend.received) {
      const encoding = request.headers['content-encoding'] ?? 'none';
      seen.add(encoding);
      assert.equal(request.method, 'POST');
      assert.equal(request.url, '/v1/metrics');
      assert.equal(request.headers.authorization, 'Bearer x');
      assert.equal(request.headers['content-type'], 'application/x-protobuf');
      assert.equal(request.headers['content-length'], String(body.length));
      assert.match(request.headers['user-agent'] ?? '', /^multistorageclient-telemetry\/\d/);
      assert.ok(encoding === 'none' || encoding === 'gzip' || encoding === 'deflate' || encoding === 'zstd');
      assert.deepEqual(Buffer.from(decoders[encoding](body)), Buffer.from(encodeProtobuf(BATCH)));
    }
    assert.deepEqual([...seen].toSorted(), compressions.toSorted());
  });

  test('posts JSON, to which the backend answers in JSON', async (t) => {
    const partial = '{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"too old"}}';
    const backend = await startBackend(t, (response) =>
      response.setHeader('content-type', 'application/json').end(partial),
    );
    const exporter = overHttp(otlpConfig(backend.url, { protocol: 'http/json', compression: 'gzip' }));
    const outcome = await exporter.export(BATCH, 5000);
    assert.deepEqual(outcome, { status: 'accepted', rejectedPoints: 2, message: 'too old' });
    const [{ request, body }] = backend.received;
    assert.equal(request.headers['content-type'], 'application/json');
    assert.equal(gunzipSync(body).toString(), encodeJson(BATCH));
  });

  test('posts spans, and counts those that the backend rejected', async (t) => {
    const body = field(1, Buffer.of(8, 1));
    const backend = await startBackend(t, (response) => response.end(body));
    const config = otlpConfig(backend.url);
    const exporter = new OtlpExporter(TRACES, config, new HttpTransport(config, new FileCredentials(config)));
    const batch = spanBatchOf([RESOURCE, [FULL_SPAN, span('b')]]);
    assert.deepEqual(await exporter.export(batch, 5000), { status: 'accepted', rejectedPoints: 1 });
    assert.deepEqual(backend.received[0].body, Buffer.from(encodeSpansProtobuf(batch)));
  });

  test('one connection serves requests that follow each other', async (t) => {
    const ports = new Set<number | undefined>();
    const backend = await startBackend(t, (response, { request }) => {
      ports.add(request.socket.remotePort);
      response.end(field(1, ''));
    });
    const exporter = overHttp(otlpConfig(backend.url));
    await exporter.export(BATCH, 5000);
    await sleep(20);
    await exporter.export(BATCH, 5000);
    assert.equal(backend.received.length, 2);
    assert.equal(ports.size, 1);
    await exporter.shutdown();
  });

  test('a partial success comes through', async (t) => {
    const body = field(1, Buffer.concat([Buffer.of(8, 2), field(2, 'too old')]));
    const backend = await startBackend(t, (response) => response.end(body));
    const outcome = await overHttp(otlpConfig(backend.url)).export(BATCH, 5000);
    assert.deepEqual(outcome, { status: 'accepted', rejectedPoints: 2, message: 'too old' });
  });

  test('errors name where the request went, without its secrets', async (t) => {
    const backend = await startBackend(t, (response) => response.writeHead(400).end('bad'));
    const url = `${backend.url.replace('//', '//user:password@')}?key=secret`;
    const outcome = await overHttp(otlpConfig(url)).export(BATCH, 5000);
    assert.equal(outcome.status, 'rejected');
    assert.equal(outcome.error.message, `${backend.url}: HTTP status 400: bad`);
    const [{ request }] = backend.received;
    assert.equal(request.url, '/v1/metrics?key=secret');
    assert.equal(request.headers.authorization, `Basic ${btoa('user:password')}`);
  });

  test('503 is retried when the backend asks for it, 413 is too large', async (t) => {
    const statuses = [503, 413];
    const backend = await startBackend(t, (response) =>
      response.writeHead(statuses.shift() ?? 200, { 'retry-after': '2' }).end(),
    );
    const exporter = overHttp(otlpConfig(backend.url));
    const first = await exporter.export(BATCH, 5000);
    assert.ok(first.status === 'retry');
    assert.equal(first.afterMillis, 2000);
    assert.ok(!first.unanswered);
    assert.equal((await exporter.export(BATCH, 5000)).status, 'too-large');
    assert.deepEqual(await exporter.export(BATCH, 5000), ACCEPTED);
  });

  test('a backend that is not there', async (t) => {
    const backend = await startBackend(t, (response) => response.end());
    backend.server.close();
    const outcome = await overHttp(otlpConfig(backend.url)).export(BATCH, 5000);
    assert.ok(outcome.status === 'retry');
    assert.match(outcome.error.message, /ECONNREFUSED/);
    assert.ok(!outcome.unanswered);
  });

  test('several addresses that are not there still give a reason', async (t) => {
    const backend = await startBackend(t, (response) => response.end());
    backend.server.close();
    const url = backend.url.replace('127.0.0.1', 'localhost');
    const outcome = await overHttp(otlpConfig(url)).export(BATCH, 5000);
    assert.equal(outcome.status, 'retry');
    assert.match(outcome.error.message, /ECONNREFUSED/);
  });

  test('a connection that is reset, closed, or answers with something else', async (t) => {
    const endings = [
      (socket: { destroy(): void }) => socket.destroy(),
      (socket: { end(text: string): void }) => socket.end('SSH-2.0-server\r\n'),
      (socket: { end(text: string): void }) =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    ];
    const outcomes = await Promise.all(
      endings.map(async (end) => {
        const server = createTcpServer((socket) => {
          socket.on('error', () => undefined);
          socket.once('data', () => end(socket));
        });
        const { promise, resolve } = Promise.withResolvers<void>();
        server.listen(0, '127.0.0.1', resolve);
        await promise;
        t.after(() => server.close());
        const address = server.address();
        assert.ok(typeof address === 'object' && address !== null);
        const exporter = overHttp(otlpConfig(`http://127.0.0.1:${address.port}/`));
        const outcome = await exporter.export(BATCH, 5000);
        return outcome.status === 'retry' && outcome.unanswered;
      }),
    );
    assert.deepEqual(outcomes, [true, true, true], 'to be retried, and may have arrived');
  });

  test('a backend that never answers is given up at the shorter deadline', async (t) => {
    const backend = await startBackend(t, () => undefined);
    const short = overHttp(otlpConfig(backend.url, { timeoutMillis: 50 }));
    const long = overHttp(otlpConfig(backend.url, { timeoutMillis: 600_000 }));
    const outcomes = await Promise.all([short.export(BATCH, 600_000), long.export(BATCH, 60)]);
    const messages = outcomes.map((outcome) => outcome.status === 'retry' && outcome.error.message);
    assert.deepEqual(messages, [
      `${backend.url}: nothing came back within 50 ms`,
      `${backend.url}: nothing came back within 60 ms`,
    ]);
  });

  test('headers that drip slower than the deadline are no answer', async (t) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      const timer = setInterval(() => socket.write('H'), 10);
      socket.on('close', () => clearInterval(timer));
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', resolve);
    await promise;
    t.after(() => server.close());
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const exporter = overHttp(otlpConfig(`http://127.0.0.1:${address.port}/`));
    const outcome = await exporter.export(BATCH, 50);
    assert.ok(outcome.status === 'retry');
    assert.equal(outcome.unanswered, true);
  });

  test('once there is a status it decides, though its body drips, breaks off or has no end', async (t) => {
    const bodies: Record<string, (write: (chunk: string) => void, destroy: () => void) => void> = {
      drip: (write) => void setInterval(write, 10, '.').unref(),
      reset: (write, destroy) => {
        write('.');
        setTimeout(destroy, 10);
      },
      endless: (write) => write('.'.repeat(200_000)),
    };
    const backend = await startBackend(t, (response, { request }) => {
      const [, status, kind] = request.url?.split('/') ?? [];
      response.writeHead(Number(status)).flushHeaders();
      bodies[kind](
        (chunk) => void response.write(chunk),
        () => response.destroy(),
      );
    });
    const cases = Object.keys(bodies).flatMap((kind) => [
      { path: `200/${kind}`, expected: 'accepted' },
      { path: `400/${kind}`, expected: 'rejected' },
      { path: `503/${kind}`, expected: 'retry' },
    ]);
    await Promise.all(
      cases.map(async ({ path, expected }) => {
        const url = new URL(`/${path}`, backend.url).href;
        const outcome = await overHttp(otlpConfig(url)).export(BATCH, 200);
        assert.equal(outcome.status, expected, path);
        if (outcome.status === 'accepted') assert.match(outcome.message ?? '', /cannot be read/, path);
      }),
    );
    assert.equal(backend.received.length, cases.length);
  });

  test('a request over the limit of the Collector is split instead of sent', async (t) => {
    const backend = await startBackend(t, (response) => response.end());
    const [series] = gauge([1, 2]).series;
    const attributes = { text: 'x'.repeat(11 * 1024 * 1024) };
    const exporter = overHttp(otlpConfig(backend.url));
    const outcome = await exporter.export(batchOf(gauge([], { series: [{ ...series, attributes }] })), 5000);
    assert.equal(outcome.status, 'too-large');
    assert.equal(backend.received.length, 0);
  });

  test('a batch that no request can hold is given up', async () => {
    const [series] = gauge([1]).series;
    const attributes = Object.defineProperty({}, 'broken', {
      enumerable: true,
      get: () => {
        throw new Error('no value');
      },
    });
    const exporter = overHttp(otlpConfig('http://127.0.0.1:9/'));
    const outcome = await exporter.export(batchOf(gauge([], { series: [{ ...series, attributes }] })), 5000);
    assert.equal(outcome.status, 'rejected');
    assert.match(outcome.error.message, /cannot be encoded: no value/);
  });

  test('shutdown waits for what is under way, and ends new requests at once', async (t) => {
    const started = Promise.withResolvers<ServerResponse>();
    const backend = await startBackend(t, (response) => started.resolve(response));
    const exporter = overHttp(otlpConfig(backend.url));
    const underWay = exporter.export(BATCH, 5000);
    const response = await started.promise;
    const down = exporter.shutdown();
    assert.equal(exporter.shutdown(), down);
    assert.equal((await exporter.export(BATCH, 5000)).status, 'retry');
    response.end();
    await down;
    assert.deepEqual(await underWay, ACCEPTED);
    assert.equal(backend.received.length, 1);
  });

  test('temporality as preferred', () => {
    const kinds = ['counter', 'up_down_counter', 'histogram'] as const;
    const preferences = ['cumulative', 'delta', 'lowmemory'] as const;
    const found = preferences.map((temporality) => {
      const exporter = overHttp(otlpConfig('http://127.0.0.1:9/', { temporality }));
      return kinds.map((kind) => exporter.temporality(kind));
    });
    assert.deepEqual(found, [
      ['cumulative', 'cumulative', 'cumulative'],
      ['delta', 'cumulative', 'delta'],
      ['delta', 'cumulative', 'delta'],
    ]);
  });

  test('a request that is under way finishes on the connection with the former certificates', async (t) => {
    const { key, certificate } = createCertificate('backend');
    const waiting: ServerResponse[] = [];
    const server = createServer({ key, cert: certificate }, (request, response) => {
      request.resume();
      // The first answer comes after the second request.
      if (waiting.push(response) === 2) for (const each of waiting) each.end();
    });
    const config = otlpConfig((await listen(t, server)).replace('http:', 'https:'));
    const transport = new HttpTransport(config, changingCredentials(certificate));
    const exporter = new OtlpMetricsExporter(config, transport);
    const outcomes = await Promise.all([exporter.export(BATCH, 5000), exporter.export(BATCH, 5000)]);
    assert.deepEqual(outcomes, [ACCEPTED, ACCEPTED]);
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
    const server = createServer(
      {
        key: authority.key,
        cert: authority.certificate,
        ca: clients.map(({ certificate }) => certificate),
        requestCert: true,
      },
      (request, response) => {
        const { socket } = request;
        seen.push(
          'getPeerCertificate' in socket && typeof socket.getPeerCertificate === 'function'
            ? socket.getPeerCertificate().subject.CN
            : undefined,
        );
        response.end();
      },
    );
    const url = (await listen(t, server)).replace('http:', 'https:');
    const exporter = overHttp(
      otlpConfig(url, {
        certificateFile: write('ca.pem', authority.certificate),
        clientCertificateFile: write('client.pem', clients[0].certificate),
        clientKeyFile: write('client.key', clients[0].key),
      }),
    );
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
