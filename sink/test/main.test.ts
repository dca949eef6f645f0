import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gaugeRequest } from './encode.ts';

const MAIN = fileURLToPath(import.meta.resolve('../src/main.js'));
const HEADERS = { 'content-type': 'application/x-protobuf' };

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly lines: AsyncIterator<string>;
}

async function start(test: TestContext, ...options: string[]): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  test.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, url: String((await lines.next()).value), lines };
}

describe('the sink as a process', () => {
  it('prints its url when it listens, and its account on SIGTERM as one JSON line', async (test) => {
    const { child, url, lines } = await start(test, '--port', '0', '--json');
    for (const body of [gaugeRequest(1, 2), gaugeRequest(3), gaugeRequest(3)]) {
      // The last is a duplicate only after the one before it
      assert.equal((await fetch(url, { method: 'POST', headers: HEADERS, body })).status, 200);
    }
    child.kill('SIGTERM');
    assert.deepEqual(JSON.parse(String((await lines.next()).value)), {
      requests: 3,
      acceptedRequests: 3,
      duplicateRequests: 1,
      points: 3,
      duplicatePoints: 1,
      rejectedPoints: 0,
      metrics: { level: 3 },
    });
    assert.equal((await lines.next()).done, true);
    if (child.exitCode === null) await once(child, 'exit');
    assert.equal(child.exitCode, 0);
  });

  it('prints its account as lines without --json', async (test) => {
    const { child, url, lines } = await start(test);
    await fetch(url, { method: 'POST', headers: HEADERS, body: gaugeRequest(1, 2) });
    child.kill('SIGTERM');
    const printed: string[] = [];
    for await (const line of { [Symbol.asyncIterator]: () => lines }) printed.push(line);
    assert.ok(printed.includes('requests\t1') && printed.includes('level\t2'), printed.join('\n'));
  });

  for (const port of ['high', '65536', '-1']) {
    it(`refuses --port=${port}`, () => {
      const { status, stderr } = spawnSync(process.execPath, [MAIN, `--port=${port}`], { encoding: 'utf8' });
      assert.equal(status, 2);
      assert.equal(stderr, `--port: got ${port}, expected 0 to 65535\n`);
    });
  }
});
