import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { scratch } from './scratch.ts';

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const CLI: string = path.join(import.meta.dirname, '..', '..', 'bin', 'msc-telemetry.js');

/** `msc-telemetry` in a place of its own: a working directory, and a root for its trees. */
export class Cli {
  readonly directory: string;
  readonly root: string;

  constructor(t: TestContext) {
    this.directory = scratch(t);
    this.root = path.join(this.directory, 'root');
    mkdirSync(this.root, { mode: 0o700 });
  }

  async run(
    args: readonly string[],
    { input = '', env = {} }: { input?: string; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Ran> {
    const child = this.start(args, env);
    child.stdin!.end(input);
    return endOf(child);
  }

  /** In a session of its own: without a terminal, and alone in receiving signals. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    return this.startProgram(process.execPath, [CLI, ...args], env);
  }

  /** Another program, in the same place. */
  startProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    return spawn(program, args, {
      cwd: this.directory,
      detached: true,
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        NODE_TEST_CONTEXT: undefined,
        MSC_TELEMETRY_DIRECTORY: undefined,
        MSC_TELEMETRY_ROOT: this.root,
        ...env,
      },
    });
  }
}

export async function endOf(child: ChildProcess): Promise<Ran> {
  const { promise, resolve, reject } = Promise.withResolvers<Pick<Ran, 'code' | 'signal'>>();
  child.once('error', reject).once('close', (code, signal) => resolve({ code, signal }));
  const [stdout, stderr, end] = await Promise.all([text(child.stdout!), text(child.stderr!), promise]);
  return { ...end, stdout, stderr };
}

/** What is on the last line. */
export function lastLine(stdout: string): any {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

/** Waits for something that another process does. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within a minute: ${String(condition)}`);
    await setTimeout(20);
  }
}
