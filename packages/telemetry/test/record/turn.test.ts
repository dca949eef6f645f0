import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';

const TURN = JSON.stringify(new URL('../../src/record/turn.js', import.meta.url).href);
const IMPORT = `const { atEndOfTurn } = await import(${TURN});`;
const NEVER = 'setTimeout(() => {}, 2 ** 31 - 1);';
const argsOf = (program: string): string[] => ['--input-type=module', '--eval', program];

async function firstSaid(program: string): Promise<string> {
  const child = spawn(process.execPath, argsOf(program), { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    // A program that says nothing waits for ever.
    const [said] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(30_000) })) as [Buffer];
    return String(said);
  } finally {
    child.kill('SIGKILL');
  }
}

describe('the end of a turn', () => {
  test('comes before the loop waits for anything', async () => {
    const program = `${IMPORT} setTimeout(() => atEndOfTurn(() => console.log('end')), 1); ${NEVER}`;
    assert.equal(await firstSaid(program), 'end\n');
  });

  test('comes when the loop had come to its end, and went on', async () => {
    const goOn = `setTimeout(() => atEndOfTurn(() => console.log('end')), 5); ${NEVER}`;
    const program = `${IMPORT} process.once('beforeExit', () => { ${goOn} });`;
    assert.equal(await firstSaid(program), 'end\n');
  });

  test('is awaited by a process that has nothing else to do', () => {
    const program = `${IMPORT} atEndOfTurn(() => console.log('end'));`;
    assert.equal(String(spawnSync(process.execPath, argsOf(program), { timeout: 30_000 }).stdout), 'end\n');
  });

  for (const listen of ['on', 'prependListener']) {
    test(`does not keep a process alive whose end is what is recorded (${listen})`, () => {
      const listener = `let calls = 0; process.${listen}('beforeExit', () => {
        if (++calls > 9) process.exit(1);
        atEndOfTurn(() => {});
      });`;
      for (const program of [`${IMPORT} ${listener}`, `${listener} ${IMPORT}`]) {
        const { status, stderr } = spawnSync(process.execPath, argsOf(program), { timeout: 30_000 });
        assert.equal(status, 0, String(stderr));
      }
    });
  }
});
