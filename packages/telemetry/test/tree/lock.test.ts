import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { currentIdentity, encodeIdentity, type ProcessIdentity } from '../../src/tree/identity.ts';
import { acquireServerLock, serverHolder } from '../../src/tree/lock.ts';
import { child, message, needsLinux, scratch } from './scratch.ts';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const writeGeneration = (directory: string, generation: number, identity: ProcessIdentity): void =>
  writeFileSync(join(directory, `server-${generation}`), `${encodeIdentity(identity)}\nnonce`);

test('one lock per directory, even within a process', (t) => {
  const directory = scratch(t);
  assert.equal(serverHolder(directory), undefined);
  const lock = acquireServerLock(directory);
  assert.ok(lock);
  assert.equal(acquireServerLock(directory), undefined);
  assert.ok(lock.isHeld());
  assert.deepEqual(serverHolder(directory), { identity: currentIdentity(), liveness: 'alive' });
  assert.deepEqual(readdirSync(directory), ['server-1']);
  assert.ok(acquireServerLock(scratch(t))?.isHeld(), 'another directory is free');
});

test('a released lock lets the next one in, under a higher number', (t) => {
  const directory = scratch(t);
  const first = acquireServerLock(directory);
  first?.release();
  assert.equal(first?.isHeld(), false);
  assert.equal(serverHolder(directory), undefined);
  const second = acquireServerLock(directory);
  assert.equal(second?.generation, 2);
  first.release();
  assert.ok(second.isHeld(), 'the former holder cannot release it');
  assert.deepEqual(readdirSync(directory), ['server-2']);
});

test('eight processes that race for one directory end as one server', async (t) => {
  const directory = scratch(t);
  const children = numbers(8).map(() => child(t, 'contend', directory));
  await Promise.all(children.map(message));
  const answers = children.map(message);
  for (const started of children) started.send('go');
  const won = await Promise.all(answers);
  assert.equal(won.filter(Boolean).length, 1);
  assert.equal(serverHolder(directory)?.identity.pid, children[won.indexOf(true)].pid);
});

test('a holder that was killed is superseded, and only then', async (t) => {
  const directory = scratch(t);
  const holder = child(t, 'contend', directory);
  await message(holder);
  holder.send('go');
  assert.equal(await message(holder), true);
  assert.equal(acquireServerLock(directory), undefined);
  assert.equal(serverHolder(directory)?.liveness, 'alive');
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  assert.equal(serverHolder(directory)?.liveness, 'dead');
  assert.equal(acquireServerLock(directory)?.generation, 2);
  assert.deepEqual(readdirSync(directory), ['server-2']);
});

test('processes that take, release and die in turns never hold it two at a time', async (t) => {
  const directory = scratch(t);
  const log = join(scratch(t), 'log');
  const children = numbers(8).map(() => child(t, 'churn', directory, log, '12'));
  const ends = await Promise.all(children.map((started) => once(started, 'exit')));
  assert.deepEqual(
    ends.map(([, signal]: unknown[]) => signal),
    numbers(8).map(() => 'SIGKILL'),
  );
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const expected = lines.flatMap((line) =>
    line.startsWith('enter') ? [line, line.replace('enter', 'leave')] : [],
  );
  assert.deepEqual(lines, expected);
  assert.equal(lines.length, 2 * 8 * 12);
  const generations = lines.map((line) => Number(line.split(' ')[2]));
  assert.deepEqual(
    generations,
    numbers(8 * 12).flatMap((index) => [index + 1, index + 1]),
  );
});

test('a reused pid does not hold the lock of its predecessor', needsLinux, (t) => {
  const directory = scratch(t);
  writeGeneration(directory, 7, { ...currentIdentity(), startTime: '1' });
  assert.equal(serverHolder(directory)?.liveness, 'dead');
  assert.equal(acquireServerLock(directory)?.generation, 8);
});

test('a holder that cannot be looked up keeps the lock', (t) => {
  const directory = scratch(t);
  writeGeneration(directory, 1, { ...currentIdentity(), pidNamespace: '1' });
  assert.equal(acquireServerLock(directory), undefined);
  assert.equal(serverHolder(directory)?.liveness, 'unknown');
});

test('only the highest generation counts, by number and not by letter', needsLinux, (t) => {
  const directory = scratch(t);
  const dead = { ...currentIdentity(), startTime: '1' };
  writeGeneration(directory, 9, currentIdentity());
  writeGeneration(directory, 10, dead);
  const lock = acquireServerLock(directory);
  assert.equal(lock?.generation, 11);
  assert.deepEqual(readdirSync(directory), ['server-11']);
  writeGeneration(directory, 10, currentIdentity());
  assert.ok(lock.isHeld(), 'a latecomer with a number of the past');
  writeGeneration(directory, 12, currentIdentity());
  assert.equal(lock.isHeld(), false);
  lock.release();
  assert.notEqual(readFileSync(join(directory, 'server-11'), 'utf8'), '');
});

test('malformed files hold nothing, and are cleaned up', (t) => {
  for (const content of ['', '{', 'null', '[]', '{"pid":-1}', '\0'.repeat(100), 'x'.repeat(100_000)]) {
    const directory = scratch(t);
    writeFileSync(join(directory, 'server-3'), content);
    writeFileSync(join(directory, `server-${'0'.repeat(32)}.new`), content);
    for (const name of ['server-', 'server-x', 'server-03', 'server-1e9', 'other']) {
      writeFileSync(join(directory, name), content);
    }
    assert.equal(serverHolder(directory), undefined);
    assert.equal(acquireServerLock(directory)?.generation, 4);
    assert.deepEqual(readdirSync(directory).toSorted(), [
      'other',
      'server-',
      'server-03',
      'server-1e9',
      'server-4',
      'server-x',
    ]);
  }
});

test('a lock whose file somebody replaced is not held', (t) => {
  const directory = scratch(t);
  const lock = acquireServerLock(directory);
  writeGeneration(directory, 1, currentIdentity());
  assert.equal(lock?.isHeld(), false);
});

test('a lock in a directory that is gone is not held, and cannot be taken', (t) => {
  const directory = scratch(t);
  const lock = acquireServerLock(directory);
  rmSync(directory, { recursive: true });
  assert.equal(lock?.isHeld(), false);
  lock.release();
  assert.equal(serverHolder(directory), undefined);
  assert.throws(() => acquireServerLock(directory), {
    code: 'MSC_ADDRESS_UNUSABLE',
    message: /got ENOENT, expected a directory that can hold a lock/,
  });
});
