import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { listTrees, readTreeStatus, type Account } from '@multistorageclient/telemetry';
import { Cli, endOf, until } from './cli.ts';

/** Joins the directory as a client and records; then it stays as it is until it is killed or its stdin ends. */
function client(
  cli: Cli,
  address: string | readonly [string, number],
  config: object,
  more: NodeJS.ProcessEnv = {},
): ChildProcess {
  const program = path.join(cli.directory, 'client.mjs');
  const telemetry = import.meta.resolve('@multistorageclient/telemetry');
  writeFileSync(
    program,
    `import { init } from ${JSON.stringify(telemetry)};
     const telemetry = init({ mode: 'client', address: ${JSON.stringify(address)} });
     const operations = telemetry.operations(${JSON.stringify(config)}, { provider: 'test' });
     for (let i = 0; i < 1000; i++) operations.start('read').succeed(1);
     setImmediate(() => setImmediate(() => console.log('recorded')));
     process.stdin.resume().once('end', () => process.exit());`,
  );
  const env = { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined, ...more };
  return spawn(process.execPath, [program], { env, stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Outside the range from which systems give out ports. */
async function freePort(): Promise<number> {
  const server = createServer();
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    server.listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

const accountOf = (tree: string): Account => readTreeStatus(tree).account;

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

  it('takes what programs elsewhere send with --listen, and says so in the status of both sides', async (t) => {
    const cli = new Cli(t);
    const directory = path.join(cli.directory, 'tree');
    const file = path.join(cli.directory, 'operations.jsonl');
    const port = await freePort();
    writeFileSync(path.join(cli.directory, 'secret'), 'nobody knows this secret\n');
    const listen = ['--listen', `127.0.0.1:${port}`, '--secret-file', 'secret'];
    const serving = cli.start(['serve', '--directory', 'tree', ...listen]);
    t.after(() => serving.kill('SIGKILL'));
    await says(serving, /serving .* and clients at 127\.0\.0\.1:\d+$/u);
    const config = { exporter: { type: 'file', options: { path: file } }, reader: READER };
    const recording = client(cli, ['127.0.0.1', port], config, {
      MSC_TELEMETRY_ROOT: cli.root,
      MSC_TELEMETRY_SECRET: 'nobody knows this secret',
    });
    t.after(() => recording.kill('SIGKILL'));
    await once(recording.stdout!, 'data');
    await until(() => accountOf(directory).recorded === 1000);
    const [tree] = listTrees({ MSC_TELEMETRY_ROOT: cli.root });
    // What is said of the link may be a second old.
    await until(() => accountOf(tree).exported === 1000 && readTreeStatus(tree).link?.bytesBehind === 0);
    const { stdout } = await cli.run(['status', tree]);
    assert.match(
      stdout,
      new RegExp(`^link {5}127.0.0.1:${port}, connected, since \\S+Z, 0 bytes\\s+behind$`, 'mu'),
    );
    const other = await cli.run(['status', directory]);
    assert.match(other.stdout, new RegExp(`^link {5}127.0.0.1:${port}, listening, 1 client$`, 'mu'));
    const ended = once(serving, 'exit');
    serving.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    assert.equal(accountOf(directory).exported, 1000);
    recording.kill('SIGKILL');
    const deaf = cli.start(['serve', '--directory', 'tree']);
    await says(deaf, /serving \S+$/u);
    deaf.kill('SIGKILL');
    assert.equal(existsSync(path.join(directory, 'listen.json')), false);
  });

  it('refuses what is no place to listen at, and to listen without a secret', async (t) => {
    const cli = new Cli(t);
    for (const listen of ['4400', 'host:', 'host:0', 'host:65536', 'a:b:1', '::1:1']) {
      const { code, stderr } = await cli.run(['serve', '--directory', 'tree', '--listen', listen]);
      assert.equal(code, 2, listen);
      assert.match(stderr, /--listen: got .*, expected HOST:PORT/u);
    }
    const args = ['serve', '--directory', 'tree', '--listen', '[::1]:4400'];
    const env = { MSC_TELEMETRY_SECRET: '', MSC_TELEMETRY_SECRET_FILE: undefined };
    const none = await cli.run(args, { env });
    assert.equal(none.code, 2);
    assert.match(
      none.stderr,
      /--listen: got no secret, expected --secret-file FILE, MSC_TELEMETRY_SECRET or MSC_TELEMETRY_SECRET_FILE/u,
    );
    writeFileSync(path.join(cli.directory, 'secret'), 'too short');
    for (const [file, found] of [
      ['gone', 'ENOENT'],
      ['secret', '9 bytes'],
    ]) {
      const { code, stderr } = await cli.run([...args, '--secret-file', file], { env });
      assert.equal(code, 1);
      assert.ok(
        stderr.includes(`${path.join(cli.directory, file)}: got "${found}", expected a secret of 16 to`),
      );
      assert.doesNotMatch(stderr, /the option secret/u);
    }
    assert.equal(existsSync(path.join(cli.directory, 'tree')), false);
  });

  it('refuses a directory that is not safe', async (t) => {
    const cli = new Cli(t);
    writeFileSync(path.join(cli.directory, 'file'), '');
    const { code, stderr } = await cli.run(['serve', '--directory', 'file']);
    assert.equal(code, 1);
    assert.match(stderr, /^msc-telemetry: .*\/file: got "not a directory", expected .*\n$/u);
  });
});
