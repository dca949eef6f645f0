import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** An empty private directory that the test's end removes. */
export function scratch(t: TestContext): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'msc-tree-test-')));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs a command of child.ts in a process that the test's end kills. */
export function child(t: TestContext, command: string, ...args: string[]): ChildProcess {
  const started = fork(join(import.meta.dirname, 'child.js'), [command, ...args], { env: {} });
  t.after(() => started.kill('SIGKILL'));
  return started;
}

/** The next message of a child; fails if it ends without one. */
export async function message(from: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  from.once('exit', () => ended.abort());
  const [received] = (await once(from, 'message', { signal: ended.signal })) as unknown[];
  return received;
}

/** Only root can give a directory to somebody else. */
export const needsRoot: { readonly skip: string | false } = {
  skip: process.geteuid?.() === 0 ? false : 'only root can make a foreign owner',
};
export const needsLinux: { readonly skip: string | false } = {
  skip: process.platform === 'linux' ? false : 'needs /proc',
};
export const needsPosix: { readonly skip: string | false } = {
  skip: process.platform === 'win32' ? 'needs owners and modes' : false,
};

export const FOREIGN_UID = 54321;
