import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { resolveMetricsConfig } from '../../src/config/metrics.ts';
import { encodeFrame, FrameType } from '../../src/journal/frame.ts';
import { journalPlaces } from '../../src/journal/places.ts';
import { FIRST } from '../../src/journal/chunk.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import { codeOf } from '../../src/tree/errno.ts';
import * as files from '../../src/tree/files.ts';
import { ensurePrivateDirectory, isPrivateDirectory, readPrivateText } from '../../src/tree/directory.ts';
import { currentIdentity } from '../../src/tree/identity.ts';
import { acquireServerLock, serverHolder } from '../../src/tree/lock.ts';
import { MemoryFiles } from '../../src/tree/memory-files.ts';
import { createTree, isTree, listTrees, spillDirectoryFor } from '../../src/tree/trees.ts';
import { needsPosix, scratch } from './scratch.ts';

const MAX_BYTES = 16 * 1024 * 1024;
const root = files.useMemoryFiles(MAX_BYTES);
let directories = 0;

/** An empty directory in memory. */
function memoryDirectory(): string {
  const directory = join(root, String(++directories));
  files.mkdirSync(directory, 0o700);
  return directory;
}

/** What a call answers, or the code of its error. */
function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return codeOf(error) ?? error;
  }
}

const NAMES = ['a', 'b', 'd/a', 'd/b', 'de/a'];
/** One's name begins like the other's. */
const DIRECTORIES = ['d', 'de'];
const file = fc.constantFrom(...NAMES);
const directory = fc.constantFrom(...DIRECTORIES);
const either = fc.constantFrom(...NAMES, ...DIRECTORIES);
const content = fc.string({ maxLength: 12, unit: 'binary-ascii' });

const step = fc.oneof(
  fc.record({ call: fc.constantFrom('append', 'create', 'replace', 'write'), at: file, content }),
  fc.record({ call: fc.constantFrom('link', 'rename'), at: file, to: file }),
  fc.record({ call: fc.constantFrom('read', 'truncate', 'unlink'), at: file }),
  fc.record({ call: fc.constantFrom('mkdir', 'readdir', 'rmdir'), at: directory }),
  fc.record({ call: fc.constantFrom('stat', 'exists', 'rm', 'rm -f', 'rm -rf'), at: either }),
  fc.record({ call: fc.constant('move'), at: directory, to: fc.constantFrom('d', 'de', 'e') }),
);

interface Step {
  readonly call: string;
  readonly at: string;
  readonly to?: string;
  readonly content?: string;
}

/** So that there is something to work with. */
const FIRST_STEPS: readonly Step[] = [
  { call: 'mkdir', at: 'd' },
  { call: 'append', at: 'a', content: 'one' },
  { call: 'append', at: 'd/a', content: 'two' },
  { call: 'append', at: 'd/a', content: 'three' },
  { call: 'link', at: 'a', to: 'b' },
];

function append(descriptor: number, text: string): void {
  try {
    files.writeSync(descriptor, Buffer.from(`<${text}>`), 1, text.length);
  } finally {
    files.closeSync(descriptor);
  }
}

function read(path: string): string | undefined {
  const descriptor = files.openForRead(path);
  if (descriptor === undefined) return undefined;
  try {
    const all = files.readFileSync(descriptor);
    const inner = Buffer.alloc(12, '.');
    const count = files.readSync(descriptor, inner, 1, 10, 2);
    assert.equal(files.fstatSync(descriptor).size, all.length);
    return `${all.toString()} ${count} ${inner.toString()}`;
  } finally {
    files.closeSync(descriptor);
  }
}

/** The same step below any directory; answers what can be seen of it. */
function carryOut(base: string, { call, at, to = '', content: text = '' }: Step): unknown {
  const path = join(base, at);
  const target = join(base, to);
  switch (call) {
    case 'append':
      return append(files.openSync(path, 'a', 0o600), text);
    case 'create':
      return append(files.createForAppend(path), text);
    case 'replace':
      return files.replaceFile(path, text);
    case 'write':
      return files.writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
    case 'link':
      return files.linkSync(path, target);
    case 'rename':
      return files.renameSync(path, target);
    case 'move':
      // Onto a directory is never asked for, and systems differ there.
      return files.existsSync(target) ? undefined : files.renameSync(path, target);
    case 'read':
      return [read(path), outcome(() => readPrivateText(path))];
    case 'truncate':
      return files.truncateSync(path);
    case 'unlink':
      return files.unlinkSync(path);
    case 'mkdir':
      return files.mkdirSync(path, 0o700);
    case 'readdir':
      return files.readdirSync(path).toSorted();
    case 'rmdir':
      return files.rmdirSync(path);
    case 'exists':
      return [files.existsSync(path), files.lstatSync(path, { throwIfNoEntry: false }) === undefined];
    case 'stat': {
      const stats = files.statSync(path);
      const { uid, mode } = stats;
      return [
        stats.isFile(),
        stats.isDirectory(),
        stats.isSymbolicLink(),
        uid,
        mode,
        stats.isFile() && stats.size,
      ];
    }
    default:
      return files.rmSync(path, { force: call !== 'rm', recursive: call === 'rm -rf' });
  }
}

/** Everything that is there. */
function snapshot(base: string): unknown {
  return files
    .readdirSync(base)
    .toSorted()
    .map((name) => {
      const path = join(base, name);
      return [name, files.statSync(path).isDirectory() ? snapshot(path) : read(path)];
    });
}

test('whatever is done in memory has the outcome that it has on disk', needsPosix, (t) => {
  const base = scratch(t);
  let runs = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const onDisk = join(base, String(++runs));
      fs.mkdirSync(onDisk, 0o700);
      const inMemory = memoryDirectory();
      for (const each of [...FIRST_STEPS, ...steps]) {
        const expected = [outcome(() => carryOut(onDisk, each)), snapshot(onDisk)];
        const seen = [outcome(() => carryOut(inMemory, each)), snapshot(inMemory)];
        assert.deepEqual(seen, expected, JSON.stringify(each));
      }
    }),
    { numRuns: 200 },
  );
});

test('errors are like those of node:fs', () => {
  const path = join(memoryDirectory(), 'missing');
  assert.throws(() => files.openSync(path, 'r+'), { code: 'ENOENT', syscall: 'open', path });
  assert.throws(() => files.readdirSync(path), { name: 'Error', code: 'ENOENT', syscall: 'scandir', path });
});

test('a descriptor is none that the system could have given out', () => {
  const path = join(memoryDirectory(), 'file');
  const first = files.openSync(path, 'a', 0o600);
  const second = files.openSync(path, 'a', 0o600);
  assert.notEqual(first, second);
  // Not the module's own functions, which know it, but those of Node.js.
  assert.throws(() => fs.writeSync(first, 'x'), { code: 'ERR_OUT_OF_RANGE' });
  files.closeSync(first);
  assert.throws(() => files.writeSync(first, Buffer.from('x')), { code: 'EBADF' });
  assert.equal(files.writeSync(second, Buffer.from('x')), 1);
  files.closeSync(second);
});

test('real files stay where they are, opened before or after', (t) => {
  const path = join(scratch(t), 'file');
  const before = fs.openSync(path, 'a');
  files.writeSync(before, Buffer.from('one '));
  const after = files.openSync(path, 'a');
  files.writeSync(after, Buffer.from('two'));
  files.closeSync(after);
  fs.closeSync(before);
  assert.equal(fs.readFileSync(path, 'utf8'), 'one two');
  assert.equal(files.readFileSync(path, 'utf8'), 'one two');
  assert.equal(fs.existsSync(root), false);
  assert.equal(files.existsSync(root), true);
});

test('there is one root for a thread', () => {
  assert.equal(files.useMemoryFiles(1), root);
});

test('a write beyond the bound is refused whole, and what is deleted makes room', () => {
  const memory = new MemoryFiles(100_000);
  const path = join(memory.root, 'file');
  const free = (): number => {
    const { bavail, bsize } = memory.statfsSync(memory.root);
    return bavail * bsize;
  };
  const before = free();
  assert.ok(before > 90_000 && before <= 100_000);
  const descriptor = memory.openSync(path, 'a', 0o600);
  memory.writeSync(descriptor, new Uint8Array(60_000));
  assert.ok(free() <= before - 60_000 + 4096);
  assert.throws(() => memory.writeSync(descriptor, new Uint8Array(60_000)), { code: 'ENOSPC' });
  assert.equal(memory.fstatSync(descriptor).size, 60_000);
  memory.unlinkSync(path);
  assert.ok(free() <= before - 60_000 + 4096, 'it is still open');
  memory.closeSync(descriptor);
  assert.equal(free(), before);
  memory.writeFileSync(path, new Uint8Array(90_000));
  assert.throws(() => memory.writeFileSync(join(memory.root, 'other'), new Uint8Array(20_000)), {
    code: 'ENOSPC',
  });
  memory.writeFileSync(path, new Uint8Array(10));
  memory.writeFileSync(join(memory.root, 'other'), new Uint8Array(80_000));
});

test('a directory is as old as the last change of its names', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1000 });
  const path = memoryDirectory();
  const changes: (() => void)[] = [
    () => files.writeFileSync(join(path, 'a'), ''),
    () => files.linkSync(join(path, 'a'), join(path, 'b')),
    () => files.renameSync(join(path, 'a'), join(path, 'c')),
    () => files.unlinkSync(join(path, 'c')),
    () => files.mkdirSync(join(path, 'd'), 0o700),
    () => files.rmdirSync(join(path, 'd')),
  ];
  for (const change of changes) {
    t.mock.timers.tick(1000);
    change();
    assert.equal(files.statSync(path).mtimeMs, Date.now(), String(change));
    t.mock.timers.tick(1000);
    files.readdirSync(path);
    assert.equal(files.statSync(path).mtimeMs, Date.now() - 1000);
  }
});

test('a tree lives there, with its lock', () => {
  const env = { MSC_TELEMETRY_ROOT: memoryDirectory() };
  const tree = createTree(env);
  assert.ok(isTree(tree));
  assert.deepEqual(listTrees(env), [tree]);
  assert.ok(files.existsSync(tree) && !fs.existsSync(tree));
  const lock = acquireServerLock(tree);
  assert.ok(lock !== undefined && lock.isHeld());
  assert.equal(acquireServerLock(tree), undefined);
  assert.deepEqual(serverHolder(tree), { identity: currentIdentity(), liveness: 'alive' });
  lock.release();
  assert.equal(serverHolder(tree), undefined);
  assert.equal(acquireServerLock(tree)?.generation, 2);
});

test('a directory in memory is private, and its missing parents are made', () => {
  const path = join(memoryDirectory(), 'x/y');
  ensurePrivateDirectory(path);
  assert.ok(isPrivateDirectory(path));
});

test('a journal lives there: where memory is full it answers so, and stays whole', () => {
  const tree = createTree({ MSC_TELEMETRY_ROOT: memoryDirectory() });
  const places = journalPlaces(tree, spillDirectoryFor(tree), '0'.repeat(32));
  const writer = { process: currentIdentity(), threadId: 0, startedAtMillis: 0, resource: [] };
  const configuration = resolveMetricsConfig({ exporter: { type: 'console' } }, {});
  const budget = { segmentMaxBytes: 1024 * 1024, primaryMaxBytes: Infinity, spillMaxBytes: 0 };
  const journal = new JournalWriter(places, { writer, configuration }, budget);
  const header = { type: FrameType.SAMPLES, sequence: 1, rows: 0, units: 0 };
  const frame = encodeFrame(header, new Uint8Array(100_000));
  let written = 0;
  while (journal.append(frame, frame.length)) written++;
  assert.ok(written * frame.length > MAX_BYTES / 3 && written * frame.length < MAX_BYTES);
  const reader = new JournalReader(places);
  let found = 0;
  let position = FIRST;
  for (
    let chunk = reader.read(position, MAX_BYTES, false);
    chunk;
    chunk = reader.read(position, MAX_BYTES, false)
  ) {
    assert.equal(chunk.corruptBytes, 0);
    found += chunk.frames.filter(({ type }) => type === FrameType.SAMPLES).length;
    position = chunk.to;
    reader.deleteBefore(position);
  }
  assert.equal(found, written);
  assert.ok(journal.append(frame, frame.length, true), 'what was deleted makes room');
  journal.close();
  reader.deleteAll();
  assert.ok(!files.existsSync(places.primary));
});
