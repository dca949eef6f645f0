import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { exchangeWithRetries } from '../../src/exporters/http-retries.ts';
import { startBackend } from './backend.ts';

// Waits between tries keep no process alive, and here is nothing else that does.
const alive = setInterval(() => undefined, 1000);
after(() => clearInterval(alive));

const POLICY = { retries: 3, backoffMillis: 1, timeoutMillis: 200 };

suite('requests for credentials', () => {
  test('are repeated on temporary statuses, connection errors and timeouts', async (t) => {
    for (const failure of [429, 500, 502, 503, 504, 'reset', 'hang']) {
      let left = 2;
      const backend = await startBackend(t, (response, { request }) => {
        if (left-- === 0) response.end('here');
        else if (typeof failure === 'number') response.writeHead(failure, { 'retry-after': 'soon' }).end();
        else if (failure === 'reset') request.socket.resetAndDestroy();
      });
      const answer = await exchangeWithRetries(backend.url, { method: 'POST' }, 'body', POLICY);
      assert.deepEqual([answer.status, Buffer.from(answer.body).toString()], [200, 'here']);
      assert.deepEqual(
        backend.received.map(({ body }) => body.toString()),
        ['body', 'body', 'body'],
      );
    }
  });

  test('end with the failure of the last try', async (t) => {
    const backend = await startBackend(t, (response) => response.writeHead(503).end());
    await assert.rejects(
      exchangeWithRetries(backend.url, {}, '', POLICY),
      /^TemporaryStatusError: HTTP status 503$/,
    );
    assert.equal(backend.received.length, 4);
    backend.server.close();
    await assert.rejects(exchangeWithRetries(backend.url, {}, '', POLICY), /ECONNREFUSED/);
  });

  test('are not repeated on any other status', async (t) => {
    for (const status of [200, 204, 400, 401, 403, 404]) {
      const backend = await startBackend(t, (response) => response.writeHead(status).end());
      assert.equal((await exchangeWithRetries(backend.url, {}, '', POLICY)).status, status);
      assert.equal(backend.received.length, 1);
    }
  });
});
