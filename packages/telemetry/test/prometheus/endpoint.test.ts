import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import type { PointBatch } from '../../src/exporters/exporter.ts';
import { PrometheusEndpoint } from '../../src/prometheus/endpoint.ts';
import { PrometheusStore } from '../../src/prometheus/store.ts';

interface Served {
  readonly endpoint: PrometheusEndpoint;
  readonly log: string[];
  /** Where it listens. */
  readonly url: string;
}

/** An endpoint that listens, on a free port unless one is named. */
async function serve(t: TestContext, { port = 0, meanwhile = (): void => undefined } = {}): Promise<Served> {
  const log: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  const endpoint: PrometheusEndpoint = new PrometheusEndpoint({
    host: '127.0.0.1',
    port,
    resource: {},
    log: (message) => {
      log.push(message);
      meanwhile();
    },
    onChange: () => endpoint.url !== undefined && resolve(endpoint.url),
  });
  t.after(() => endpoint.close());
  // It keeps no process alive, and here is nothing else that does.
  const alive = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(alive));
  return { endpoint, log, url: await promise };
}

function gauge(name: string, value: number): PointBatch {
  const descriptor = { name, unit: '', description: '', valueType: 1 };
  const columns = { attributes: {}, seconds: new Uint32Array(1), nanos: new Uint32Array(1) };
  const series = [{ ...columns, values: Float64Array.of(value) }];
  const scope = { name: 'scope' };
  return { metrics: [{ resource: { attributes: {} }, scope, descriptor, kind: 'gauge', series }], points: 1 };
}

async function valuesAt(url: string): Promise<string[]> {
  const text = await (await fetch(url)).text();
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('target_info'));
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

suite('a Prometheus endpoint', () => {
  test('shows what is there when it is asked', async (t) => {
    const { endpoint, url } = await serve(t);
    const store = new PrometheusStore();
    let asked = 0;
    endpoint.add('one', { store, refresh: () => store.export(gauge('level', ++asked)) });
    assert.deepEqual(await valuesAt(url), ['level{otel_scope_name="scope"} 1']);
    assert.deepEqual(await valuesAt(url), ['level{otel_scope_name="scope"} 2']);
    const response = await fetch(url, { method: 'HEAD' });
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(await response.text(), '');
  });

  test('shows several configurations, and what it has of one that cannot be brought up to date', async (t) => {
    const { endpoint, url } = await serve(t);
    const [first, second] = [new PrometheusStore(), new PrometheusStore()];
    await first.export(gauge('level', 1));
    await second.export(gauge('level', 2));
    await second.export(gauge('other', 3));
    endpoint.add('first', { store: first, refresh: () => Promise.reject(new Error('broken off')) });
    endpoint.add('second', { store: second, refresh: () => Promise.resolve() });
    const lines = await valuesAt(url);
    assert.deepEqual(lines.toSorted(), [
      'level{otel_scope_name="scope"} 1',
      'other{otel_scope_name="scope"} 3',
    ]);
  });

  test('serves nothing else', async (t) => {
    const { url } = await serve(t);
    assert.equal((await fetch(url, { method: 'POST' })).status, 405);
    const elsewhere = await fetch(new URL('/', url));
    assert.equal(elsewhere.status, 404);
    assert.match(await elsewhere.text(), /the metrics are at \/metrics/u);
    assert.equal((await fetch(`${url}?name=level`)).status, 200);
  });

  test('answers request targets that are no URL', async (t) => {
    const { url } = await serve(t);
    const { hostname, port } = new URL(url);
    for (const target of ['//', 'http://[', '/metrics/../..//']) {
      const asked = request({ hostname, port, path: target }).end();
      const [response] = await once(asked, 'response');
      assert.equal(response.statusCode, 404, target);
      response.resume();
    }
  });

  test('has no more than 64 connections, and takes new ones when others have ended', async (t) => {
    const { url } = await serve(t);
    const { hostname, port } = new URL(url);
    const held = Array.from({ length: 64 }, () => connect(Number(port), hostname));
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    const ended = held.map((socket) => once(socket, 'close'));
    await assert.rejects(fetch(url));
    for (const socket of held) socket.destroy();
    await Promise.all(ended);
    while (!(await fetch(url).catch(() => undefined))?.ok) await new Promise(setImmediate);
  });

  test('ends the answer where the metrics cannot be written', async (t) => {
    const { endpoint, log, url } = await serve(t);
    const store = new PrometheusStore();
    await store.export(gauge('level', 1));
    Object.defineProperty(store, 'families', { get: () => assert.fail('unreadable') });
    endpoint.add('broken', { store, refresh: () => Promise.resolve() });
    await assert.rejects(fetch(url));
    assert.deepEqual(log, ['/metrics cannot be answered: AssertionError [ERR_ASSERTION]: unreadable']);
  });

  test('waits for a port that is taken, and says so once', async (t) => {
    const other = createServer();
    const port = await listening(other);
    const { log, url } = await serve(t, { port, meanwhile: () => void other.close() });
    assert.equal(url, `http://127.0.0.1:${port}/metrics`);
    assert.deepEqual(log, [`/metrics cannot be served at 127.0.0.1:${port} (EADDRINUSE); it is tried again`]);
  });
});
