import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { suite, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { FileCredentials } from '../../src/exporters/credentials.ts';
import type { PointBatch } from '../../src/exporters/exporter.ts';
import type { OtlpConfig } from '../../src/exporters/otlp-config.ts';
import { encodeProtobuf } from '../../src/exporters/otlp-encode.ts';
import { OtlpExporter } from '../../src/exporters/otlp-exporter.ts';
import { HttpTransport } from '../../src/exporters/otlp-http.ts';
import { METRICS } from '../../src/exporters/otlp-metrics.ts';
import type { OtlpSignal } from '../../src/exporters/otlp-signal.ts';
import type { Repeat } from '../../src/exporters/repeat-gzip.ts';
import { listen, otlpConfig, startBackend } from './backend.ts';
import { batchOf, gauge } from './batches.ts';

const ACCEPTED = { status: 'accepted', rejectedPoints: 0 };
const COMPRESSIONS = ['none', 'gzip'] as const;

/** An exporter, and the batches that it has encoded. */
function exporterOf(
  config: OtlpConfig,
  over: Partial<OtlpSignal<PointBatch>> = {},
): [OtlpExporter<PointBatch>, PointBatch[]] {
  const encoded: PointBatch[] = [];
  const counting: OtlpSignal<PointBatch> = {
    ...METRICS,
    encodeProtobuf: (batch, writer) => {
      encoded.push(batch);
      return METRICS.encodeProtobuf(batch, writer);
    },
    ...over,
  };
  return [
    new OtlpExporter(counting, config, new HttpTransport(config, new FileCredentials(config))),
    encoded,
  ];
}

function bytesOf(batch: PointBatch): string {
  return Buffer.from(encodeProtobuf(batch)).toString('base64');
}

suite('OTLP exporter', () => {
  for (const compression of COMPRESSIONS) {
    test(`encodes a prepared batch once, however often it is sent (${compression})`, async (t) => {
      const statuses = [503, 500, 200];
      const backend = await startBackend(t, (response) => {
        response.writeHead(statuses.shift() ?? 200).end();
      });
      const [exporter, encoded] = exporterOf(otlpConfig(backend.url, { compression }));
      const batch = batchOf(gauge([1, 2, 3]));
      exporter.prepare(batch);
      const outcomes: string[] = [];
      while (outcomes.at(-1) !== 'accepted') outcomes.push((await exporter.export(batch, 5000)).status);
      assert.deepEqual(outcomes, ['retry', 'retry', 'accepted']);
      assert.deepEqual(encoded, [batch]);
      const bodies = backend.received.map(({ body }) => body.toString('base64'));
      assert.deepEqual(bodies, [bodies[0], bodies[0], bodies[0]]);
      await exporter.export(batch, 5000);
      assert.equal(encoded.length, 2, 'what is settled is forgotten');
    });

    test(`while a request is on its way, another does not touch its bytes (${compression})`, async (t) => {
      const backend = await startBackend(t, (response) => response.end());
      const [exporter] = exporterOf(otlpConfig(backend.url, { compression }));
      const batches = Array.from({ length: 20 }, (_, index) =>
        batchOf(gauge(Array.from({ length: 3000 }, (__, at) => index + at / 4))),
      );
      for (const [index, batch] of batches.entries()) {
        exporter.prepare(batch);
        const exporting = exporter.export(batch, 5000);
        if (index + 1 < batches.length) exporter.prepare(batches[index + 1]);
        assert.deepEqual(await exporting, ACCEPTED);
      }
      const decode = compression === 'gzip' ? gunzipSync : (body: Buffer) => body;
      const received = backend.received.map(({ body }) => decode(body).toString('base64'));
      assert.ok(received.join() === batches.map(bytesOf).join());
    });
  }

  test('a request that is answered before it is sent keeps its bytes', async (t) => {
    const { promise: received, resolve } = Promise.withResolvers<Buffer>();
    const chunks: Buffer[] = [];
    const [batch, other] = [1, 2].map((value) => batchOf(gauge(Array.from({ length: 90_000 }, () => value))));
    const expected = encodeProtobuf(batch);
    // More than sockets hold; a server of node:http would throw away what it has answered.
    const server = createServer((socket) => {
      socket.on('data', (chunk) => {
        if (chunks.push(chunk) === 1) {
          socket.pause();
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
          void mayRead.then(() => socket.resume());
        }
        const whole = Buffer.concat(chunks);
        const body = whole.subarray(whole.indexOf('\r\n\r\n') + 4);
        if (body.length >= expected.length) resolve(body);
      });
    });
    const { promise: mayRead, resolve: read } = Promise.withResolvers<void>();
    const [exporter] = exporterOf(otlpConfig(await listen(t, server)));
    assert.deepEqual(await exporter.export(batch, 5000), ACCEPTED);
    exporter.prepare(other);
    read();
    assert.ok((await received).equals(expected));
    await exporter.shutdown();
  });

  test('prepares two batches at most, and exports the others all the same', async (t) => {
    const backend = await startBackend(t, (response) => response.end());
    const [exporter, encoded] = exporterOf(otlpConfig(backend.url));
    const batches = [1, 2, 3, 4, 5].map((value) => batchOf(gauge([value])));
    for (const batch of batches) exporter.prepare(batch);
    assert.deepEqual(encoded, batches.slice(0, 2));
    for (const batch of batches) assert.deepEqual(await exporter.export(batch, 5000), ACCEPTED);
    assert.deepEqual(encoded, batches);
  });

  test('what cannot be encoded is an outcome of export, never of prepare', async () => {
    const config = otlpConfig('http://127.0.0.1:1/');
    for (const [error, status] of [
      [new RangeError('too long'), 'too-large'],
      [new TypeError('no text'), 'rejected'],
    ] as const) {
      const encode = (): never => {
        throw error;
      };
      const [exporter] = exporterOf(config, { encodeProtobuf: encode });
      const batch = batchOf(gauge([1, 2]));
      exporter.prepare(batch);
      const outcome = await exporter.export(batch, 5000);
      assert.equal(outcome.status, status);
    }
  });

  test('a body that could not be compressed is made anew for the next try', async (t) => {
    const backend = await startBackend(t, (response) => response.end());
    const config = otlpConfig(backend.url);
    const transport = new HttpTransport(config, new FileCredentials(config));
    let failures = 1;
    const compress = transport.compress.bind(transport);
    t.mock.method(transport, 'compress', async (payload: Uint8Array, repeats: readonly Repeat[]) => {
      if (failures-- > 0) throw new Error('no memory');
      return await compress(payload, repeats);
    });
    const exporter = new OtlpExporter(METRICS, config, transport);
    const batch = batchOf(gauge([1]));
    exporter.prepare(batch);
    const outcome = await exporter.export(batch, 5000);
    assert.ok(outcome.status === 'retry');
    assert.match(outcome.error.message, /no memory/);
    assert.deepEqual(await exporter.export(batch, 5000), ACCEPTED);
    await exporter.shutdown();
  });

  test('after its shutdown it prepares nothing', async () => {
    const [exporter, encoded] = exporterOf(otlpConfig('http://127.0.0.1:1/'));
    await exporter.shutdown();
    exporter.prepare(batchOf(gauge([1])));
    assert.deepEqual(encoded, []);
  });
});
