import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Cli, endOf } from './cli.ts';

/** Records two operations, and stays until its stdin ends. */
const PROGRAM = `
  import fs from 'node:fs';
  fs.readdirSync('.');
  fs.existsSync('missing');
  setImmediate(() => setImmediate(() => console.log(process.env.MSC_TELEMETRY_DIRECTORY)));
  process.stdin.resume();`;

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
    assert.match(text, /^[0-9a-f]{16} +file +(ok|starting) +1 +2 /mu);
    assert.match(text, /^process \d+ +main thread +alive +2 /mu);
    assert.match(text, /^account  2 recorded = .* balanced$/mu);
    child.stdin!.end();
    await endOf(child);
  });
});
