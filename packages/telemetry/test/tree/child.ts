/** A process for tests to start, race and kill; always with an empty environment. */
import { fork } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { currentIdentity } from '../../src/tree/identity.ts';
import { acquireServerLock } from '../../src/tree/lock.ts';
import { findTree } from '../../src/tree/registry.ts';

const [command, ...args] = process.argv.slice(2);

const sleep = (millis: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
};

/** Takes the lock again and again, and dies while it holds it for the last time. */
function churn(directory: string, log: string, rounds: number): void {
  // Bounded, as nobody ends this loop if the test is gone.
  for (let wins = 0, attempts = 0; wins < rounds && attempts < 50_000; attempts++) {
    const lock = acquireServerLock(directory);
    if (lock === undefined) {
      sleep(1);
      continue;
    }
    wins += 1;
    appendFileSync(log, `enter ${process.pid} ${lock.generation}\n`);
    sleep(wins % 3);
    const last = wins === rounds;
    const event = lock.isHeld() ? 'leave' : 'lost';
    appendFileSync(log, `${event} ${process.pid} ${lock.generation}\n`);
    if (last) process.kill(process.pid, 'SIGKILL');
    lock.release();
  }
}

switch (command) {
  case 'title':
    process.title = 'x) Z 1 (y';
    process.send?.(currentIdentity());
    process.channel?.ref();
    break;
  case 'contend':
    // With `on`, in contrast to `once`, the process stays after its answer: a winner must not die of itself.
    process.on('message', () => process.send?.(acquireServerLock(args[0]) !== undefined));
    process.send?.('ready');
    break;
  case 'churn':
    churn(args[0], args[1], Number(args[2]));
    break;
  case 'find':
    process.send?.({ pid: process.pid, tree: findTree(process.env) }, () => process.disconnect());
    break;
  case 'find-in-grandchild':
    fork(import.meta.filename, ['find'], { env: {} }).once('message', (answer) => {
      process.send?.(answer, () => process.disconnect());
    });
    break;
  default:
    throw new Error(`unknown command ${command}`);
}
