import assert from 'node:assert/strict';
import { spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { createInterface } from 'node:readline';
import { Cli, CLI, endOf } from './cli.ts';

/** Records two operations, and stays until its stdin ends. */
const PROGRAM = `
  import fs from 'node:fs';
  fs.readdirSync('.');
  fs.existsSync('missing');
  setImmediate(() => setImmediate(() => console.log(process.env.MSC_TELEMETRY_DIRECTORY)));
  process.stdin.resume();`;

const noTerminal = spawnSync('script', ['--version']).error !== undefined && 'there is no script';

/** A program that has recorded, and goes on until its stdin ends. */
async function recorded(cli: Cli): Promise<ChildProcess> {
  const program = path.join(cli.directory, 'program.mjs');
  writeFileSync(program, PROGRAM);
  const child = cli.start(['run', '--quiet', '--', process.execPath, program]);
  await once(child.stdout!, 'data');
  return child;
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
}

describe('msc-telemetry status', () => {
  it('says where there is no tree', async (t) => {
    const { code, stdout, stderr } = await new Cli(t).run(['status']);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^msc-telemetry: no process of this user records .*\n$/u);
  });

  it('gives no trees as JSON, too', async (t) => {
    const { code, stdout } = await new Cli(t).run(['status', '--json']);
    assert.deepEqual([code, JSON.parse(stdout)], [1, { trees: [] }]);
  });

  it('refuses a directory that is no tree', async (t) => {
    const cli = new Cli(t);
    const { code, stderr } = await cli.run(['status', '.']);
    assert.equal(code, 1);
    assert.ok(stderr.startsWith(`msc-telemetry: ${cli.directory} is no tree: expected `));
  });

  it('shows the tree of a program that runs, and its account', async (t) => {
    const cli = new Cli(t);
    const program = path.join(cli.directory, 'program.mjs');
    writeFileSync(program, PROGRAM);
    const child = cli.start(['run', '--quiet', '--', process.execPath, program]);
    const [said] = await once(child.stdout!, 'data');
    const directory = String(said).trim();
    for (const args of [[], [directory]]) {
      const { code, stdout } = await cli.run(['status', '--json', ...args]);
      assert.equal(code, 0);
      const [tree, ...others] = JSON.parse(stdout).trees;
      assert.deepEqual(others, []);
      assert.deepEqual([tree.directory, tree.server.state, tree.balanced], [directory, 'alive', true]);
      assert.deepEqual([tree.account.recorded, tree.writers.length, tree.writers[0].state], [2, 1, 'alive']);
      const [configuration] = Object.values<any>(tree.configurations);
      assert.equal(configuration.exporter, 'file');
    }
    const { stdout: text } = await cli.run(['status']);
    assert.match(text, new RegExp(`^${directory}\nserver   process \\d+, alive\n`, 'u'));
    assert.match(text, /^[0-9a-f]{6} +metrics +file +(ok|starting) +1 +\d/mu);
    assert.match(text, /^[0-9a-f]{6} +2 +[02] +0 +[02] +0$/mu);
    assert.match(text, /^process \d+ +main +[0-9a-f]{6} +alive +2 /mu);
    assert.match(text, /^account  2 recorded = .*balanced$/msu);
    assert.ok(text.split('\n').every((line) => line.length <= 80));
    child.stdin!.end();
    await endOf(child);
  });

  it('watches: one line of JSON per look, with rates from the second on, until SIGINT', async (t) => {
    const cli = new Cli(t);
    const recording = await recorded(cli);
    const child = cli.start(['status', '--json', '--watch', '0.1']);
    const looks: any[] = [];
    for await (const line of createInterface({ input: child.stdout! })) {
      looks.push(JSON.parse(line));
      if (looks.length === 3) child.kill('SIGINT');
    }
    assert.deepEqual([await exitOf(child)], [0]);
    assert.ok(looks.length >= 3);
    const rates = looks.map(({ trees: [tree] }) => Object.values<any>(tree.rates ?? {})[0]);
    assert.equal(rates[0], undefined);
    assert.equal(rates[1].recordedPerSecond, 0);
    recording.stdin!.end();
    await endOf(recording);
  });

  it('watches a pipe until nobody reads it, also where there is no tree', async (t) => {
    const child = new Cli(t).start(['status', '--watch=0.1']);
    const [block] = await once(child.stdout!, 'data');
    assert.match(String(block), /^\d{4}-\S+Z\nno process of this user records .*\n\n/u);
    child.stdout!.destroy();
    assert.equal(await exitOf(child), 0);
  });

  it('watches on a screen of its own, and leaves the terminal as it was', { skip: noTerminal }, async (t) => {
    const cli = new Cli(t);
    const recording = await recorded(cli);
    const command = `stty cols 80 rows 9; exec timeout --foreground -s INT 2 '${process.execPath}' '${CLI}' status --watch 0.1`;
    const screen = cli.startProgram('script', ['-qec', command, '/dev/null']);
    const { stdout } = await endOf(screen);
    const looks = stdout.split('\u001B[H');
    assert.ok(looks.length > 2);
    assert.ok(looks[0].startsWith('\u001B[?1049h'));
    assert.match(looks[1], /… \d+ more lines/u);
    assert.ok(stdout.endsWith('\u001B[?1049l'));
    const shown = looks[1].split('\u001B[J')[0].split('\n').map(stripVTControlCharacters);
    assert.equal(shown.length, 9);
    assert.ok(shown.every((line) => line.trimEnd().length <= 80));
    recording.stdin!.end();
    await endOf(recording);
  });

  it('refuses an interval that is none', async (t) => {
    const cli = new Cli(t);
    for (const [args, got] of [
      [['--watch=soon'], 'soon'],
      [['--watch', '0'], '0'],
      [['--watch', '100000'], '100000'],
    ] as const) {
      const { code, stderr } = await cli.run(['status', ...args]);
      assert.deepEqual(
        [code, stderr],
        [2, `msc-telemetry: --watch: got ${got}, expected seconds in [0.1, 86400]\n`],
      );
    }
  });
});
