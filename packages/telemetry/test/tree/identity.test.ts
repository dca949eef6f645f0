import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setInterval } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import {
  currentIdentity,
  decodeIdentity,
  encodeIdentity,
  identityOf,
  lineage,
  liveness,
} from '../../src/tree/identity.ts';
import { child, message, needsLinux } from './scratch.ts';

/** Beyond the largest pid that Linux gives. */
const NO_PID = 4_194_305;

test('this process is alive under its own identity', () => {
  const identity = currentIdentity();
  assert.equal(identity.pid, process.pid);
  assert.deepEqual(identityOf(process.pid), identity);
  assert.equal(currentIdentity(), identity);
  assert.ok(Object.isFrozen(identity));
  assert.equal(liveness(identity), 'alive');
});

test('on Linux every field is known', needsLinux, () => {
  const { startTime, bootId, pidNamespace } = currentIdentity();
  assert.match(startTime, /^[1-9]\d*$/);
  assert.match(bootId, /^[0-9a-f-]{36}$/);
  assert.match(pidNamespace, /^[1-9]\d*$/);
});

test('a reused pid is another process', needsLinux, () => {
  assert.equal(liveness({ ...currentIdentity(), startTime: '1' }), 'dead');
});

test('a process of another boot is dead, whatever its pid', needsLinux, () => {
  const bootId = '00000000-0000-4000-8000-000000000000';
  assert.equal(liveness({ ...currentIdentity(), bootId, pidNamespace: '1' }), 'dead');
});

test('nothing is said about another pid namespace', () => {
  assert.equal(liveness({ ...currentIdentity(), pidNamespace: '1' }), 'unknown');
  assert.equal(liveness({ ...currentIdentity(), pidNamespace: '1', pid: NO_PID }), 'unknown');
});

test('without a start time, the pid decides', () => {
  assert.equal(liveness({ ...currentIdentity(), startTime: '' }), 'alive');
  assert.equal(liveness({ ...currentIdentity(), startTime: '', pid: NO_PID }), 'dead');
});

const parentOf = (pid: number): number | undefined => [...lineage(pid)][1]?.pid;

test('a pid that nobody has gives no identity and no lineage', () => {
  for (const pid of [NO_PID, 0, -1, 1.5, NaN]) {
    assert.equal(identityOf(pid), undefined);
    assert.deepEqual([...lineage(pid)], []);
  }
});

test('a child with a misleading name is read correctly, and dead once killed', async (t) => {
  const started = child(t, 'title');
  const described = decodeIdentity(JSON.stringify(await message(started)));
  assert.ok(described);
  assert.deepEqual(identityOf(described.pid), described);
  assert.equal(liveness(described), 'alive');
  assert.equal(parentOf(described.pid), process.platform === 'win32' ? undefined : process.pid);
  started.kill('SIGKILL');
  await once(started, 'exit');
  assert.equal(liveness(described), 'dead');
  assert.equal(identityOf(described.pid), undefined);
});

test('a zombie is dead', needsLinux, async (t) => {
  // The shell becomes a process that never waits for the child it has.
  const shell = spawn('/bin/sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => shell.kill('SIGKILL'));
  const [output]: unknown[] = await once(shell.stdout, 'data');
  const sleeper = identityOf(Number(String(output)));
  assert.ok(sleeper);
  assert.equal(liveness(sleeper), 'alive');
  const isShell = (): boolean => readFileSync(`/proc/${shell.pid}/comm`, 'utf8').trim() !== 'sleep';
  for await (const _ of setInterval(5)) if (!isShell()) break;
  process.kill(sleeper.pid, 'SIGKILL');
  for await (const _ of setInterval(5)) if (liveness(sleeper) !== 'alive') break;
  assert.equal(liveness(sleeper), 'dead');
  assert.deepEqual(identityOf(sleeper.pid), sleeper, 'it is still there, as a zombie');
});

test('the lineage of this process begins with itself and its parent; that of the first process has no more', () => {
  assert.deepEqual(Array.from(lineage(), ({ pid }) => pid).slice(0, 2), [process.pid, process.ppid]);
  assert.equal(parentOf(process.pid), process.ppid);
  assert.equal(parentOf(1), undefined);
});

const namespaced = ['--pid', '--fork', '--kill-child'];
const canUnshare = process.platform === 'linux' && spawnSync('unshare', [...namespaced, 'true']).status === 0;

test(
  'a /proc of another pid namespace is not believed',
  { skip: canUnshare ? false : 'needs the right to create a pid namespace' },
  () => {
    const source = pathToFileURL(join(import.meta.dirname, '../../src/tree/identity.js')).href;
    const script = `
      const { currentIdentity, liveness, lineage } = await import(${JSON.stringify(source)});
      const own = currentIdentity();
      console.log(JSON.stringify([own, liveness(own), liveness({ ...own, startTime: '1' }), [...lineage(2)][1]?.pid ?? null]));`;
    const args = [...namespaced, process.execPath, '--input-type=module', '-e', script];
    const output = execFileSync('unshare', args, { encoding: 'utf8' });
    const [own, verdict, started, parent]: unknown[] = JSON.parse(output);
    const identity = decodeIdentity(JSON.stringify(own));
    assert.ok(identity);
    assert.equal(identity.pid, 1);
    assert.equal(identity.startTime, '');
    assert.equal(identity.bootId, currentIdentity().bootId);
    assert.notEqual(identity.pidNamespace, currentIdentity().pidNamespace);
    assert.deepEqual([verdict, started, parent], ['alive', 'unknown', null]);
    assert.equal(liveness(identity), 'unknown');
  },
);

test('an identity survives JSON, and other fields beside it', () => {
  const identity = { ...currentIdentity() };
  assert.deepEqual(decodeIdentity(encodeIdentity(identity)), identity);
  assert.deepEqual(decodeIdentity(JSON.stringify({ ...identity, nonce: 'x' })), identity);
});

test('what is no identity decodes to undefined', () => {
  const identity = currentIdentity();
  const wrong: unknown[] = [null, 1, 'x', [], {}, { ...identity, pid: undefined }];
  for (const pid of ['1', 0, -1, 1.5, 2 ** 32]) wrong.push({ ...identity, pid });
  for (const text of [null, 1, '../x', '9'.repeat(21)]) {
    wrong.push({ ...identity, startTime: text }, { ...identity, pidNamespace: text });
    wrong.push({ ...identity, bootId: text === null || text === 1 ? text : `g${text}` });
  }
  for (const value of wrong) assert.equal(decodeIdentity(JSON.stringify(value)), undefined);
  for (const text of ['', '{', '\0', '{"pid":1']) assert.equal(decodeIdentity(text), undefined);
});
