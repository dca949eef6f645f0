import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ENDS } from '../process-tree/cast.ts';
import { readTallies } from '../process-tree/tally.ts';

const START = path.join(import.meta.dirname, '..', 'process-tree', 'start.js');

/** A place for temporary files and for trees. */
function scratch(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'msc-example-'));
  mkdirSync(path.join(directory, 'root'), { mode: 0o700 });
  mkdirSync(path.join(directory, 'tmp'));
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return directory;
}

async function start(directory: string, ...args: string[]) {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    NODE_TEST_CONTEXT: undefined,
    MSC_TELEMETRY_ROOT: path.join(directory, 'root'),
    TMPDIR: path.join(directory, 'tmp'),
  };
  const child = spawn(process.execPath, [START, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise((resolve) => child.once('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { stdout, stderr, code };
}

const sum = (items: any[], key: string): number => items.reduce((total, item) => total + item[key], 0);

describe('process-tree', () => {
  it('balances with what the program counted itself, and leaves nothing behind', async (t) => {
    const directory = scratch(t);
    const { stdout, stderr, code } = await start(directory, '--operations', '2000', '--json');
    assert.equal(code, 0, stderr);
    const { account, writers, operations, threads, problems } = JSON.parse(
      stdout.trimEnd().split('\n').at(-1) ?? '',
    );
    assert.deepEqual(problems, []);
    const { recorded, exported, merged, journaled, dropped } = account;
    assert.deepEqual([exported, merged, journaled, dropped], [recorded, 0, 0, {}]);
    assert.equal(writers, ENDS.size);
    assert.equal(sum(operations, 'count'), recorded);
    assert.equal(sum(threads, 'recorded'), recorded);
    for (const one of threads) {
      assert.equal(one.end, ENDS.get(one.role));
      if (one.end !== 'SIGKILL')
        assert.ok(one.recorded >= one.ended && one.recorded <= one.started, one.role);
      if (one.end === 'end of work' || one.end === 'process.exit()') assert.equal(one.recorded, one.started);
    }
    assert.ok(recorded >= 2000);
    const kinds = new Set(operations.map(({ operation, status }: any) => `${operation} ${status}`));
    for (const kind of [
      'read success',
      'copy success',
      'delete success',
      'list success',
      'info error.ENOENT',
    ]) {
      assert.ok(kinds.has(kind), kind);
    }
    assert.deepEqual(readdirSync(path.join(directory, 'tmp')), []);
    const trees = path.join(directory, 'root');
    const deadline = Date.now() + 60_000;
    while (readdirSync(trees).some((name) => name.startsWith('tree-'))) {
      assert.ok(Date.now() < deadline, 'the tree is still there');
      await setTimeout(20);
    }
  });

  it('keeps what it is told to keep', async (t) => {
    const directory = scratch(t);
    const kept = path.join(directory, 'kept');
    const { stdout, stderr, code } = await start(directory, '--operations', '1000', '--keep', kept);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^account .* balanced$/mu);
    assert.match(stdout, /^cluster-3 .* SIGKILL /mu);
    assert.deepEqual(readdirSync(kept).toSorted(), ['operations.jsonl', 'tallies']);
    assert.deepEqual(
      new Set(readTallies(path.join(kept, 'tallies')).map(({ role }) => role)),
      new Set(ENDS.keys()),
    );
    const again = await start(directory, '--operations', '1000', '--keep', kept);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /^process-tree: EEXIST: .*tallies'\n$/u);
  });

  it('helps, and refuses what it does not know', async (t) => {
    const directory = scratch(t);
    const help = await start(directory, '--help');
    assert.deepEqual([help.code, help.stderr], [0, '']);
    assert.match(help.stdout, /--operations N/u);
    const cases: [string[], RegExp][] = [
      [['--operations', 'many'], /--operations: got many, expected a whole number from 1000/u],
      [['--operations', '1.5e3.'], /--operations: got 1.5e3., expected/u],
      [['--operations', '999'], /--operations: got 999, expected/u],
      [['--nothing'], /'--nothing'/u],
    ];
    for (const [args, says] of cases) {
      const { code, stderr, stdout } = await start(directory, ...args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, says);
    }
  });
});
