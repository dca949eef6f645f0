import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import zlib from 'node:zlib';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { type Sink, type SinkOptions, type SinkResponse, startSink } from '../src/index.ts';
import { gaugeRequest } from './encode.ts';

const PROTOBUF = { 'content-type': 'application/x-protobuf' };

async function start(test: TestContext, options?: SinkOptions): Promise<Sink> {
  const sink = await startSink(options);
  test.after(() => sink.close());
  return sink;
}

function post(
  sink: Sink,
  body: Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(sink.url, { method: 'POST', headers: { ...PROTOBUF, ...headers }, body });
}

function account(sink: Sink): number[] {
  const { requests, acceptedRequests, points, duplicateRequests, duplicatePoints, rejectedPoints } = sink;
  return [requests, acceptedRequests, points.length, duplicateRequests, duplicatePoints, rejectedPoints];
}

describe('the sink', () => {
  it('accepts requests and keeps their points', async (test) => {
    const sink = await start(test);
    assert.equal(sink.url, `http://127.0.0.1:${sink.port}/v1/metrics`);
    const response = await post(sink, gaugeRequest(1, 2));
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/x-protobuf');
    assert.deepEqual(ProtobufMetricsSerializer.deserializeResponse(await response.bytes()), {});
    await post(sink, gaugeRequest(3));
    assert.deepEqual([...sink.points.values], [1, 2, 3]);
    assert.deepEqual(
      [...sink.pointsOf('level')].map(({ value }) => value),
      [1, 2, 3],
    );
    assert.deepEqual([...sink.pointsOf('other')], []);
    assert.deepEqual(account(sink), [2, 2, 3, 0, 0, 0]);
  });

  it('counts a body that it accepted before as a duplicate, however it is compressed', async (test) => {
    const sink = await start(test);
    const body = gaugeRequest(1, 2);
    assert.equal((await post(sink, body)).status, 200);
    const gzip = { 'content-encoding': 'gzip' };
    assert.equal((await post(sink, new Uint8Array(zlib.gzipSync(body)), gzip)).status, 200);
    const zstd = { 'content-encoding': 'zstd' };
    assert.equal((await post(sink, new Uint8Array(zlib.zstdCompressSync(body)), zstd)).status, 200);
    await post(sink, gaugeRequest(2, 1));
    assert.deepEqual([...sink.points.values], [1, 2, 2, 1]);
    assert.deepEqual(account(sink), [4, 4, 4, 2, 4, 0]);
  });

  it('refuses what is no metrics request, and keeps nothing of it', async (test) => {
    const sink = await start(test);
    const body = gaugeRequest(1);
    const statuses = [
      (await fetch(sink.url, { method: 'GET' })).status,
      (await fetch(`${sink.url}/x`, { method: 'POST', headers: PROTOBUF, body })).status,
      (await post(sink, body, { 'content-type': 'text/plain' })).status,
      (await post(sink, body, { 'content-type': 'application/json' })).status,
      (await post(sink, body, { 'content-encoding': 'br' })).status,
      (await post(sink, body, { 'content-encoding': 'gzip' })).status,
      (await post(sink, body.subarray(0, -1))).status,
    ];
    assert.deepEqual(statuses, [405, 404, 415, 400, 415, 400, 400]);
    assert.deepEqual(account(sink), [7, 0, 0, 0, 0, 0]);
  });

  it('answers 413 to a body above its limit, before and after decompression', async (test) => {
    const body = gaugeRequest(...Array<number>(100).fill(1));
    const sink = await start(test, { maxBodyBytes: body.length });
    assert.equal((await post(sink, Uint8Array.of(...body, 0))).status, 413);
    const packed = new Uint8Array(zlib.gzipSync(Uint8Array.of(...body, 0)));
    assert.ok(packed.length < body.length);
    assert.equal((await post(sink, packed, { 'content-encoding': 'gzip' })).status, 413);
    assert.equal((await post(sink, body)).status, 200);
    assert.deepEqual(account(sink), [3, 1, 100, 0, 0, 0]);
  });

  it('shows each request to the handler, and lets it answer any status', async (test) => {
    const sink = await start(test);
    const body = gaugeRequest(1);
    const packed = new Uint8Array(zlib.gzipSync(body));
    sink.respond(({ number, headers, body: seen, encodedBytes }) => {
      assert.equal(headers['content-encoding'], 'gzip');
      assert.deepEqual(new Uint8Array(seen), body);
      assert.equal(encodedBytes, packed.length);
      if (number === 1)
        return { action: 'status', status: 429, headers: { 'retry-after': '7' }, body: 'slower' };
      if (number === 2) return { action: 'status', status: 401 };
      return undefined;
    });
    const send = (): Promise<Response> => post(sink, packed, { 'content-encoding': 'gzip' });
    const first = await send();
    assert.deepEqual(
      [first.status, first.headers.get('retry-after'), await first.text()],
      [429, '7', 'slower'],
    );
    assert.equal((await send()).status, 401);
    assert.deepEqual(account(sink), [2, 0, 0, 0, 0, 0]);
    assert.equal((await send()).status, 200);
    assert.deepEqual(account(sink), [3, 1, 1, 0, 0, 0]);
  });

  it('makes a failed assertion of the handler visible as 500', async (test) => {
    const sink = await start(test);
    sink.respond(() => assert.fail('seen too much'));
    const response = await post(sink, gaugeRequest(1));
    assert.equal(response.status, 500);
    assert.match(await response.text(), /seen too much/);
  });

  it('rejects points at the end of a partial success', async (test) => {
    const sink = await start(test);
    sink.respond(() => ({ action: 'accept', rejectedDataPoints: 200, errorMessage: 'too old' }));
    const response = await post(sink, gaugeRequest(...Array.from({ length: 300 }, (_, i) => i)));
    assert.equal(response.status, 200);
    assert.deepEqual(ProtobufMetricsSerializer.deserializeResponse(await response.bytes()), {
      partialSuccess: { rejectedDataPoints: 200, errorMessage: 'too old' },
    });
    assert.deepEqual(
      [...sink.points.values],
      Array.from({ length: 100 }, (_, i) => i),
    );
    assert.deepEqual(account(sink), [1, 1, 100, 0, 0, 200]);
  });

  for (const accepted of [false, true]) {
    it(`resets the connection ${accepted ? 'after' : 'before'} it has accepted the points`, async (test) => {
      const sink = await start(test);
      sink.respond(() => ({ action: 'reset', accepted }));
      await assert.rejects(post(sink, gaugeRequest(1)));
      assert.deepEqual(account(sink), accepted ? [1, 1, 1, 0, 0, 0] : [1, 0, 0, 0, 0, 0]);
      sink.respond(undefined);
      await post(sink, gaugeRequest(1));
      assert.deepEqual(account(sink), accepted ? [2, 2, 1, 1, 1, 0] : [2, 1, 1, 0, 0, 0]);
    });
  }

  it('hangs until the client gives up, without accepting anything', async (test) => {
    const sink = await start(test);
    sink.respond(() => ({ action: 'hang' }));
    const controller = new AbortController();
    const body = gaugeRequest(1);
    const posted = fetch(sink.url, { method: 'POST', headers: PROTOBUF, body, signal: controller.signal });
    await sink.until(({ requests }) => requests === 1, 10_000);
    controller.abort();
    await assert.rejects(posted, { name: 'AbortError' });
    assert.deepEqual(account(sink), [1, 0, 0, 0, 0, 0]);
  });

  it('has accepted the points when its answer comes too late', async (test) => {
    const sink = await start(test);
    sink.respond(({ number }) => ({ action: 'accept', delayMillis: number === 1 ? 50 : 0 }));
    const controller = new AbortController();
    const body = gaugeRequest(1);
    const posted = fetch(sink.url, { method: 'POST', headers: PROTOBUF, body, signal: controller.signal });
    await sink.until(({ points }) => points.length === 1, 10_000);
    controller.abort();
    await assert.rejects(posted, { name: 'AbortError' });
    assert.equal((await post(sink, body)).status, 200);
    assert.deepEqual(account(sink), [2, 2, 1, 1, 1, 0]);
  });

  it('waits for a handler that is not decided yet', async (test) => {
    const sink = await start(test);
    const { promise, resolve } = Promise.withResolvers<SinkResponse>();
    sink.respond(() => promise);
    const posted = post(sink, gaugeRequest(1));
    await sink.until(({ requests }) => requests === 1, 10_000);
    assert.equal(sink.acceptedRequests, 0);
    resolve({ action: 'status', status: 503, delayMillis: 1 });
    assert.equal((await posted).status, 503);
  });

  it('answers 503 while it is paused', async (test) => {
    const sink = await start(test);
    sink.respond(() => assert.fail('asked while paused'));
    sink.pause();
    assert.equal((await post(sink, gaugeRequest(1))).status, 503);
    sink.respond(undefined);
    sink.resume();
    assert.equal((await post(sink, gaugeRequest(1))).status, 200);
    assert.deepEqual(account(sink), [2, 1, 1, 0, 0, 0]);
  });

  it('goes down, with the connections it has, and comes up on the same port with its points', async (test) => {
    const sink = await start(test);
    const { port } = sink;
    await post(sink, gaugeRequest(1));
    sink.respond(() => ({ action: 'hang' }));
    const hanging = assert.rejects(post(sink, gaugeRequest(2)));
    await sink.until(({ requests }) => requests === 2, 10_000);
    await sink.down();
    await sink.down();
    await hanging;
    await assert.rejects(post(sink, gaugeRequest(3)));
    sink.respond(undefined);
    await sink.up();
    await sink.up();
    assert.equal(sink.port, port);
    assert.equal((await post(sink, gaugeRequest(4))).status, 200);
    assert.deepEqual([...sink.points.values], [1, 4]);
  });

  it('listens on a given port, and says so where that is taken', async (test) => {
    const sink = await start(test);
    await assert.rejects(startSink({ port: sink.port }), { code: 'EADDRINUSE' });
    const { port } = sink;
    await sink.close();
    assert.equal((await start(test, { port })).port, port);
  });

  it('says what it has when a condition does not come true, and passes on what the condition throws', async (test) => {
    const sink = await start(test);
    await post(sink, gaugeRequest(1, 2));
    await assert.rejects(
      sink.until(({ points }) => points.length > 2, 1),
      /1 requests, 2 points, 0 duplicates/,
    );
    await assert.rejects(
      sink.until(() => assert.fail('wrong'), 10_000),
      /wrong/,
    );
  });
});
