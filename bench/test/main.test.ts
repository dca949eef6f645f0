import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import type { Report } from '../src/results.ts';

const MAIN = path.join(import.meta.dirname, '../src/main.js');

async function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return await promisify(execFile)(process.execPath, [MAIN, ...args]);
}

suite('npm run bench', () => {
  test('one bench, end to end, in tiny sizes', async () => {
    const { stdout } = await bench('record/bound/0x1', 'counter/add', '--quick', '--json');
    const lines = stdout.trimEnd().split('\n');
    const report = JSON.parse(lines.at(-1) ?? '') as Report;
    const names = report.results.map(({ name }) => name);
    assert.ok(names.includes('record/bound/0x1') && names.includes('counter/add'), names.join());
    assert.ok(!names.includes('record/bound'));
    for (const { name, median, low, high, runs } of report.results) {
      assert.ok(median > 0 && low <= median && median <= high && runs > 0, name);
    }
    assert.match(stdout, /counter\/add .* × otel-js counter\.add .*(met|missed) \(≤ 0\.01 ×\)/);
  });

  test('an unknown name is an error, --help a list', async () => {
    const error = await bench('recrod').then(() => assert.fail('it ran'), String);
    assert.match(error, /no such bench: recrod/);
    assert.match((await bench('--help')).stdout, /record\/same-object/);
  });
});
