import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { Cli, endOf } from './cli.ts';

/** Joins the directory as a client and records; then it stays as it is until it is killed or its stdin ends. */
function client(cli: Cli, directory: string, config: object): ChildProcess {
  const program = path.join(cli.directory, 'client.mjs');
  const telemetry = import.meta.resolve('@multistorageclient/telemetry');
  writeFileSync(
    program,
    `import { init } from ${JSON.stringify(telemetry)};
     const telemetry = init({ mode: 'client', address: ${JSON.stringify(directory)} });
     const operations = telemetry.operations(${JSON.stringify(config)}, { provider: 'test' });
     for (let i = 0; i < 1000; i++) operations.start('read').succeed(1);
     setImmediate(() => setImmediate(() => console.log('recorded')));
     process.stdin.resume().once('end', () => process.exit());`,
  );
  const env = { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined };
  return spawn(process.execPath, [program], { env, stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Waits for a line on stderr. */
async function says(child: ChildProcess, pattern: RegExp): Promise<void> {
  for await (const line of createInterface({ input: child.stderr! })) if (pattern.test(line)) return;
  throw new Error(`it ended, and never said ${String(pattern)}`);
}

/** Nothing is exported before somebody asks for it. */
const READER = { options: { collect_interval_millis: 3_600_000, export_interval_millis: 3_600_000 } };

describe('msc-telemetry serve', () => {
  it('exports what is there when it is told to end, while others still record', async (t) => {
    const cli = new Cli(t);
    const directory = path.join(cli.directory, 'volume', 'tree');
    const file = path.join(cli.directory, 'operations.jsonl');
    const serving = cli.start(['serve', '--directory', 'volume/tree']);
    await says(serving, /serving \//u);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    const recording = client(cli, directory, {
      exporter: { type: 'file', options: { path: file } },
      reader: READER,
    });
    t.after(() => recording.kill('SIGKILL'));
    await once(recording.stdout!, 'data');
    const ended = once(serving, 'exit');
    serving.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    const { stdout } = await cli.run(['status', directory, '--json']);
    const [{ account, server, writers }] = JSON.parse(stdout).trees;
    assert.deepEqual([account.recorded, account.exported, server], [1000, 1000, undefined]);
    assert.equal(writers[0].state, 'alive');
    assert.match(readFileSync(file, 'utf8'), /multistorageclient\.latency/u);
  });

  it('leaves in time what a backend does not take', async (t) => {
    const cli = new Cli(t);
    const directory = path.join(cli.directory, 'tree');
    const serving = cli.start(['serve', '--directory', 'tree', '--timeout-millis', '300']);
    await says(serving, /serving \//u);
    // A directory in the place of the file: no export can succeed.
    const exporter = { type: 'file', options: { path: cli.directory } };
    const recording = client(cli, directory, { exporter, reader: READER });
    await once(recording.stdout!, 'data');
    const ended = once(serving, 'exit');
    recording.kill('SIGKILL');
    serving.kill('SIGINT');
    assert.deepEqual(await ended, [1, null]);
    const { stdout } = await cli.run(['status', directory, '--json']);
    const [{ account, balanced }] = JSON.parse(stdout).trees;
    assert.deepEqual([account.recorded, account.journaled, balanced], [1000, 1000, true]);
  });

  it('drains a directory and leaves it with --leave', async (t) => {
    const cli = new Cli(t);
    const directory = path.join(cli.directory, 'tree');
    const file = path.join(cli.directory, 'operations.jsonl');
    const first = cli.start(['serve', '--directory', 'tree']);
    await says(first, /serving \//u);
    const recording = client(cli, directory, {
      exporter: { type: 'file', options: { path: file } },
      reader: READER,
    });
    await once(recording.stdout!, 'data');
    const killed = [once(first, 'exit'), once(recording, 'exit')];
    first.kill('SIGKILL');
    recording.kill('SIGKILL');
    await Promise.all(killed);
    const { code, stderr } = await cli.run(['serve', '--directory', 'tree', '--leave']);
    assert.equal(code, 0);
    assert.match(stderr, /^msc-telemetry: all is exported$/mu);
    const { stdout } = await cli.run(['status', directory, '--json']);
    const [{ account }] = JSON.parse(stdout).trees;
    assert.deepEqual([account.recorded, account.exported], [1000, 1000]);
  });

  it('refuses a directory that is served, and says by whom', async (t) => {
    const cli = new Cli(t);
    const serving = cli.start(['serve', '--directory', 'tree']);
    await says(serving, /serving \//u);
    const { code, stderr } = await cli.run(['serve', '--directory', 'tree']);
    assert.equal(code, 1);
    const directory = path.join(cli.directory, 'tree');
    const expected = `${directory} is served by process ${serving.pid} (alive): expected a directory without a server`;
    assert.equal(stderr, `msc-telemetry: ${expected}\n`);
    serving.kill('SIGTERM');
    assert.equal((await endOf(serving)).code, 0);
  });

  it('refuses a directory that is not safe', async (t) => {
    const cli = new Cli(t);
    writeFileSync(path.join(cli.directory, 'file'), '');
    const { code, stderr } = await cli.run(['serve', '--directory', 'file']);
    assert.equal(code, 1);
    assert.match(stderr, /^msc-telemetry: .*\/file: got "not a directory", expected .*\n$/u);
  });
});
