import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { startSink } from '@multistorageclient/sink';
import { CLI, Cli, endOf, lastLine, until } from './cli.ts';

/** Main thread, worker thread and fork: each writes, reads, looks for what is not there, and deletes. */
const FAMILY = `
  import fs from 'node:fs';
  import { fork } from 'node:child_process';
  import { isMainThread, threadId, Worker } from 'node:worker_threads';
  const file = \`\${process.pid}-\${threadId}\`;
  for (let i = 0; i < 10; i++) {
    fs.writeFileSync(file, 'x'.repeat(100));
    await fs.promises.readFile(file);
    try { fs.statSync('missing'); } catch {}
  }
  fs.unlinkSync(file);
  if (isMainThread && process.send === undefined) {
    new Worker(new URL(import.meta.url));
    fork(new URL(import.meta.url));
  }`;

/** Installed by the program, so that only what reaches it counts. */
const ENDS_AT = (signal: string): string => `
  process.on('${signal}', () => { console.log('got ${signal}'); process.exit(7); });
  console.log('ready');
  setInterval(() => undefined, 1000);`;

const node = (...args: string[]): string[] => ['--', process.execPath, ...args];
const script = (source: string): string[] => node('--input-type=module', '--eval', source);

describe('msc-telemetry run', () => {
  it('records a program, its threads and its children, and balances', async (t) => {
    const cli = new Cli(t);
    const program = path.join(cli.directory, 'family.mjs');
    writeFileSync(program, FAMILY);
    const { code, stdout, stderr } = await cli.run(['run', '--json', ...node(program)]);
    assert.deepEqual([code, stderr], [0, '']);
    const { account, balanced, operations, processes, slowest, unfinished, ...rest } = lastLine(stdout);
    assert.deepEqual(
      operations.map((one: any) => [one.operation, one.status, one.count, one.samples, one.bytes]),
      [
        ['delete', 'success', 3, 3, 0],
        ['info', 'error.ENOENT', 30, 30, 0],
        ['read', 'success', 30, 30, 3000],
        ['write', 'success', 30, 30, 3000],
      ],
    );
    assert.equal(processes.length, 2);
    const threads = processes.map((one: any) => [one.count, one.errors, one.threads?.length ?? 1]);
    assert.deepEqual(
      threads.toSorted((a: number[], b: number[]) => a[0] - b[0]),
      [
        [31, 10, 1],
        [62, 20, 2],
      ],
    );
    assert.deepEqual([account.recorded, account.exported, balanced, unfinished], [93, 93, true, 0]);
    assert.deepEqual([rest.exitCode, rest.signal, rest.writers, rest.lasting], [0, null, 3, []]);
    assert.equal(slowest.length, 5);
  });

  it('leaves stdin and stdout to the program, and prints the summary on stderr', async (t) => {
    const source = `import fs from 'node:fs'; fs.readdirSync('.'); process.stdin.pipe(process.stdout);`;
    const input = 'no line break at the end of this';
    const { code, stdout, stderr } = await new Cli(t).run(['run', ...script(source)], { input });
    assert.deepEqual([code, stdout], [0, input]);
    assert.match(stderr, /^list +success +1 /mu);
    assert.match(stderr, /^account +1 recorded = 1 exported .* balanced$/mu);
    assert.ok(!stderr.includes('\u001B'), 'no colours where there is no terminal');
  });

  it('says nothing with --quiet', async (t) => {
    const ran = await new Cli(t).run([
      'run',
      '--quiet',
      ...script(`console.log('out'); console.error('err');`),
    ]);
    assert.deepEqual(ran, { code: 0, signal: null, stdout: 'out\n', stderr: 'err\n' });
  });

  it('puts the JSON on a line of its own behind what the program left open', async (t) => {
    const { stdout } = await new Cli(t).run(['run', '--json', ...script(`process.stdout.write('open');`)]);
    assert.match(stdout, /^open\n\{.*\}\n$/u);
  });

  it('ends as the program does', async (t) => {
    const cli = new Cli(t);
    const exits = await cli.run(['run', '--json', ...script('process.exit(3)')]);
    assert.deepEqual([exits.code, lastLine(exits.stdout).exitCode], [3, 3]);
    const killed = await cli.run(['run', '--json', ...script(`process.kill(process.pid, 'SIGKILL')`)]);
    assert.deepEqual(
      [killed.code, killed.signal, lastLine(killed.stdout).signal],
      [null, 'SIGKILL', 'SIGKILL'],
    );
  });

  it('counts what a program recorded before it was killed', async (t) => {
    const source = `
      import fs from 'node:fs';
      fs.readdirSync('.');
      setImmediate(() => setImmediate(() => process.kill(process.pid, 'SIGKILL')));`;
    const { stdout } = await new Cli(t).run(['run', '--json', ...script(source)]);
    const { account, balanced } = lastLine(stdout);
    assert.deepEqual([account.recorded, account.exported, balanced], [1, 1, true]);
  });

  it('answers as a shell where a command cannot be started', async (t) => {
    const cli = new Cli(t);
    const missing = await cli.run(['run', '--quiet', '--', 'no-such-command']);
    assert.deepEqual(
      [missing.code, missing.stderr],
      [127, 'msc-telemetry: no-such-command: command not found\n'],
    );
    const refused = await cli.run(['run', '--quiet', '--', cli.directory]);
    assert.equal(refused.code, 126);
    assert.match(refused.stderr, /: cannot be started \(EACCES\)\n$/u);
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    it(`passes ${signal} on`, async (t) => {
      const child = new Cli(t).start(['run', '--quiet', ...script(ENDS_AT(signal))]);
      const [ready] = await once(child.stdout!, 'data');
      assert.equal(String(ready), 'ready\n');
      child.kill(signal);
      const { code, stdout } = await endOf(child);
      assert.deepEqual([code, stdout], [7, `got ${signal}\n`]);
    });

  const noTerminal =
    spawnSync('script', ['-qec', 'true', '/dev/null']).status !== 0 && 'script cannot make a terminal';
  it('does not double what a terminal sends', { skip: noTerminal }, async (t) => {
    const cli = new Cli(t);
    const program = path.join(cli.directory, 'counting.cjs');
    // Time for a second one to come in, should there be one.
    const counts = `let got = 0; process.on('SIGINT', () => ++got === 1 && setTimeout(() => process.exit(got), 300));`;
    writeFileSync(program, `${counts} console.log('ready'); setInterval(() => undefined, 1000);`);
    // Without `exec` some shells stay in front of it, get the signal too, and end by it.
    const command = ['exec', process.execPath, CLI, 'run', '--quiet', ...node(program)].join(' ');
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      NODE_TEST_CONTEXT: undefined,
      MSC_TELEMETRY_ROOT: cli.root,
    };
    const terminal = spawn('script', ['-qec', command, '/dev/null'], { env });
    terminal.stdout.on('data', (said) => String(said).includes('ready') && terminal.stdin.write('\x03'));
    assert.deepEqual(await once(terminal, 'exit'), [1, null]);
  });

  it('keeps the options of Node that are there', async (t) => {
    const cli = new Cli(t);
    const preload = path.join(cli.directory, 'with blank "and quote".cjs');
    writeFileSync(preload, `console.log('preloaded');`);
    const quoted = preload.replaceAll(/["\\]/gu, String.raw`\$&`);
    const env = { NODE_OPTIONS: `--require "${quoted}"` };
    const source = `import fs from 'node:fs'; fs.readdirSync('.');`;
    const { stdout } = await cli.run(['run', '--json', ...script(source)], { env });
    assert.ok(stdout.startsWith('preloaded\n'));
    assert.equal(lastLine(stdout).account.recorded, 1);
  });

  it('keeps the lines with --output, and sums up those of this run only', async (t) => {
    const cli = new Cli(t);
    const source = `import fs from 'node:fs'; fs.readdirSync('.');`;
    const args = ['run', '--json', '--output', 'kept.jsonl', ...script(source)];
    await cli.run(args);
    const { stdout } = await cli.run(args);
    assert.equal(lastLine(stdout).operations[0].count, 1);
    const lines = readFileSync(path.join(cli.directory, 'kept.jsonl'), 'utf8').trimEnd().split('\n');
    assert.ok(lines.length >= 2);
    for (const line of lines) assert.ok(JSON.parse(line).resourceMetrics.length > 0);
  });

  it('leaves nothing behind', async (t) => {
    const cli = new Cli(t);
    const source = `import fs from 'node:fs'; fs.readdirSync('.');`;
    await cli.run(['run', '--quiet', ...script(source)]);
    await until(
      () => [...readdirSync(cli.root), ...readdirSync(path.join(cli.root, 'spill'))].join() === 'spill',
    );
    assert.deepEqual(readdirSync(cli.directory), ['root']);
  });

  it('says what goes on after the program', async (t) => {
    const cli = new Cli(t);
    const child = path.join(cli.directory, 'background.mjs');
    const go = path.join(cli.directory, 'go');
    writeFileSync(
      child,
      `import fs from 'node:fs';
       fs.writeFileSync('started', '');
       while (!fs.existsSync(${JSON.stringify(go)})) await new Promise((resolve) => setTimeout(resolve, 20));`,
    );
    const source = `
      import fs from 'node:fs';
      import { spawn } from 'node:child_process';
      spawn(process.execPath, [${JSON.stringify(child)}], { detached: true, stdio: 'ignore' }).unref();
      while (!fs.existsSync('started')) await new Promise((resolve) => setTimeout(resolve, 20));`;
    try {
      const { code, stdout } = await cli.run(['run', '--json', ...script(source)]);
      assert.equal(code, 0);
      const [lasting] = lastLine(stdout).lasting;
      assert.match(
        lasting,
        /^still recording: process \d+; what comes later is not kept \(--output FILE would keep it\)$/u,
      );
    } finally {
      writeFileSync(go, '');
    }
    await until(() => !readdirSync(cli.root).some((name) => name.startsWith('tree-')));
  });

  it('sends everything to an OTLP backend instead', async (t) => {
    const sink = await startSink();
    t.after(() => sink.close());
    const source = `import fs from 'node:fs'; fs.readdirSync('.'); fs.existsSync('x');`;
    const args = ['run', '--exporter', 'otlp', '--endpoint', sink.url, ...script(source)];
    const { code, stdout, stderr } = await new Cli(t).run(args);
    assert.deepEqual([code, stdout], [0, '']);
    assert.equal([...sink.pointsOf('multistorageclient.latency')].length, 2);
    assert.match(stderr, /^account +2 recorded = 2 exported/mu);
  });

  it('says so when the backend is away', async (t) => {
    const sink = await startSink();
    await sink.close();
    const source = `import fs from 'node:fs'; fs.readdirSync('.');`;
    const options = ['--exporter=otlp', `--endpoint=${sink.url}`, '--timeout-millis=1500'];
    const { code, stderr } = await new Cli(t).run(['run', ...options, ...script(source)], {
      env: { MSC_TELEMETRY_LINGER_MILLIS: '0' },
    });
    assert.equal(code, 0);
    assert.match(stderr, /^exporter otlp is away: .*ECONNREFUSED/mu);
    assert.match(stderr, /^not exported yet: 1 records in \//mu);
  });

  it('prints with --exporter console', async (t) => {
    const source = `import fs from 'node:fs'; fs.readdirSync('.');`;
    const { code, stdout } = await new Cli(t).run([
      'run',
      '--json',
      '--exporter',
      'console',
      ...script(source),
    ]);
    assert.deepEqual([code, lastLine(stdout).account.exported], [0, 1]);
    assert.match(stdout, /multistorageclient\.latency/u);
  });

  it('takes an MSC configuration, with its file wherever the program works', async (t) => {
    const cli = new Cli(t);
    const yaml = `
opentelemetry:
  metrics:
    exporter: {type: file, options: {path: $NAME.jsonl}}
    reader: {options: {export_interval_millis: 500}}
    attributes: [{type: msc_config, options: {attributes: {size: {expression: cache.size}}}}]
cache: {size: 10G}
`;
    writeFileSync(path.join(cli.directory, 'msc.yaml'), yaml);
    const source = `import fs from 'node:fs'; process.chdir('/'); fs.readdirSync('.');`;
    const args = ['run', '--json', '--config', 'msc.yaml', ...script(source)];
    const { stdout, stderr } = await cli.run(args, { env: { NAME: 'here' } });
    assert.equal(lastLine(stdout).operations[0].count, 1, stderr);
    assert.match(
      readFileSync(path.join(cli.directory, 'here.jsonl'), 'utf8'),
      /"key":"size","value":\{"stringValue":"10G"/u,
    );
  });

  it('gives the configuration to the program’s own telemetry', async (t) => {
    const cli = new Cli(t);
    const file = path.join(cli.directory, 'out.jsonl');
    const metrics = { exporter: { type: 'file', options: { path: file } } };
    writeFileSync(path.join(cli.directory, 'msc.json'), JSON.stringify({ opentelemetry: { metrics } }));
    const telemetry = import.meta.resolve('@multistorageclient/telemetry');
    const source = `import { init } from ${JSON.stringify(telemetry)}; init().meter().createCounter('mine').add(5);`;
    const { stdout } = await cli.run(['run', '--json', '--config', 'msc.json', ...script(source)]);
    const { account, configurations } = lastLine(stdout);
    assert.equal(account.recorded, account.exported + account.merged);
    assert.equal(Object.keys(configurations).length, 1);
    assert.match(readFileSync(file, 'utf8'), /"name":"mine"/u);
  });

  it('refuses a configuration without a metrics section', async (t) => {
    const cli = new Cli(t);
    const cases: [string, RegExp][] = [
      ['[1', /--config: configuration cannot be read: .*config\.json:1:3: expected a comma or \]/u],
      ['{"opentelemetry":{"traces":{}}}', /got no exporter, expected opentelemetry\.metrics with one/u],
      ['{"profiles":{}}', /got no exporter/u],
      ['{"exporter":{"type":"file"}}', /got no exporter, expected opentelemetry\.metrics with one/u],
    ];
    for (const [text, says] of cases) {
      writeFileSync(path.join(cli.directory, 'config.json'), text);
      const { code, stderr } = await cli.run(['run', '--config', 'config.json', ...script('')]);
      assert.equal(code, 2);
      assert.match(stderr, says);
    }
  });
});
