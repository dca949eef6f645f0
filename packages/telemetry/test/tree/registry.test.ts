import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { isPrivateDirectory } from '../../src/tree/directory.ts';
import { currentIdentity } from '../../src/tree/identity.ts';
import {
  findTree,
  registerProcess,
  registryDirectories,
  sweepRegistry,
  unregisterProcess,
} from '../../src/tree/registry.ts';
import { createTree } from '../../src/tree/trees.ts';
import { child, message, needsLinux, needsPosix, scratch } from './scratch.ts';

afterEach(unregisterProcess);

/** Where this process is registered. */
function entryPath(): string {
  const { pid, startTime } = currentIdentity();
  for (const directory of registryDirectories().filter((path) => existsSync(path))) {
    const name = readdirSync(directory).find((entry) => entry.endsWith(`-${pid}-${startTime}`));
    if (name !== undefined) return join(directory, name);
  }
  throw new Error('not registered');
}

test('an entry holds the path of the tree, and goes away again', (t) => {
  const tree = createTree({ MSC_TELEMETRY_ROOT: scratch(t) });
  assert.ok(registerProcess(tree));
  const entry = entryPath();
  assert.equal(readFileSync(entry, 'utf8'), tree);
  assert.ok(isPrivateDirectory(dirname(entry)));
  unregisterProcess();
  assert.ok(!existsSync(entry));
  unregisterProcess();
});

test('an entry is for us alone, and replaced as a whole', needsPosix, (t) => {
  const trees = [0, 1].map(() => createTree({ MSC_TELEMETRY_ROOT: scratch(t) }));
  for (const tree of trees) assert.ok(registerProcess(tree));
  assert.equal(readFileSync(entryPath(), 'utf8'), trees[1]);
  assert.equal(statSync(entryPath()).mode & 0o777, 0o600);
});

test('the environment names the tree, before any ancestor', (t) => {
  const [named, registered] = [0, 1].map(() => createTree({ MSC_TELEMETRY_ROOT: scratch(t) }));
  assert.ok(registerProcess(registered));
  assert.equal(findTree({ MSC_TELEMETRY_DIRECTORY: named }), named);
  for (const useless of ['', 'relative', `${named}/journals`, `${named}-gone`]) {
    assert.equal(findTree({ MSC_TELEMETRY_DIRECTORY: useless }), registered);
  }
});

test('a grandchild with a scrubbed environment finds the tree', needsPosix, async (t) => {
  const tree = createTree({ MSC_TELEMETRY_ROOT: scratch(t) });
  assert.ok(registerProcess(tree));
  const children = ['find', 'find-in-grandchild'].map((command) => child(t, command));
  const answers = await Promise.all(children.map(message));
  const [son, grandson] = answers.map((answer) => {
    assert.ok(typeof answer === 'object' && answer !== null && 'pid' in answer && 'tree' in answer);
    assert.equal(answer.tree, tree);
    return answer.pid;
  });
  assert.equal(son, children[0].pid);
  assert.notEqual(grandson, children[1].pid);
});

test('a thread with a scrubbed environment finds the tree of its process', async (t) => {
  const tree = createTree({ MSC_TELEMETRY_ROOT: scratch(t) });
  assert.ok(registerProcess(tree));
  const source = JSON.stringify(new URL('../../src/tree/registry.js', import.meta.url).href);
  const script = `import(${source}).then(({ findTree }) =>
    require('node:worker_threads').parentPort.postMessage(findTree(process.env)));`;
  const worker = new Worker(script, { eval: true, env: {} });
  const [found]: unknown[] = await once(worker, 'message');
  assert.equal(found, tree);
});

test('an entry whose tree is gone, or not ours alone, is ignored', needsPosix, (t) => {
  const trees = [0, 1, 2].map(() => createTree({ MSC_TELEMETRY_ROOT: scratch(t) }));
  rmSync(trees[0], { recursive: true });
  chmodSync(trees[1], 0o755);
  const [gone, loose, safe] = trees.map((tree) => {
    assert.ok(registerProcess(tree));
    return findTree({});
  });
  assert.notEqual(gone, trees[0]);
  assert.notEqual(loose, trees[1]);
  assert.equal(safe, trees[2]);
});

test('nonsense in the place of an entry is ignored', needsPosix, (t) => {
  const tree = createTree({ MSC_TELEMETRY_ROOT: scratch(t) });
  assert.ok(registerProcess(tree));
  const entry = entryPath();
  for (const nonsense of ['', '\0', 'relative', `${tree}\0`, `${tree}\n`, 'x'.repeat(20_000)]) {
    writeFileSync(entry, nonsense);
    assert.notEqual(findTree({}), tree);
  }
  rmSync(entry);
  writeFileSync(join(dirname(tree), 'target'), tree);
  symlinkSync(join(dirname(tree), 'target'), entry);
  assert.notEqual(findTree({}), tree, 'a link is not followed');
});

test('the sweep removes what the dead left, and nothing else', needsLinux, (t) => {
  assert.ok(registerProcess(createTree({ MSC_TELEMETRY_ROOT: scratch(t) })));
  const { pid, pidNamespace, startTime, bootId } = currentIdentity();
  const boot = bootId.slice(0, 8);
  const directory = dirname(entryPath());
  const dead = [
    `${boot}-${pidNamespace}-4194305-1`,
    `${boot}-${pidNamespace}-${pid}-1`,
    `${boot}-${pidNamespace}-${pid}-1.0.new`,
    `${boot === '00000000' ? '1' : '0'}0000000-${pidNamespace}-${pid}-${startTime}`,
  ];
  const kept = [
    `${boot}-1-4194305-1`,
    `${boot}-${pidNamespace}-${pid}-${startTime}.99.new`,
    `nonsense-of-${pid}`,
    `${boot}-${pidNamespace}-${pid}-1.backup`,
  ];
  t.after(() => kept.forEach((name) => rmSync(join(directory, name))));
  for (const name of [...dead, ...kept]) writeFileSync(join(directory, name), '/nowhere');
  sweepRegistry();
  assert.deepEqual(
    dead.filter((name) => existsSync(join(directory, name))),
    [],
  );
  assert.deepEqual(
    kept.filter((name) => existsSync(join(directory, name))),
    kept,
  );
  assert.ok(existsSync(entryPath()));
});
