/**
 * The program that `run` observes: a child that shares our terminal, and ends as if we were not there.
 *
 * In: a command and its environment. Out: how it ended. Signals that are sent to us reach it.
 * On failure: a command that cannot be started has the exit code that a shell would give, 127 or 126.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly wallSeconds: number;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function runProgram(command: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const [file, ...args] = command;
  const startedAt = performance.now();
  const child = spawn(file, args, { stdio: 'inherit', env });
  const atTerminal = hasTerminal();
  const forward = (signal: NodeJS.Signals): void => {
    // A terminal sends it to every process in front of it: the program has it already.
    if (signal === 'SIGTERM' || !atTerminal) child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, forward);
  const end = (code: number | null, signal: NodeJS.Signals | null): void => {
    for (const one of SIGNALS) process.off(one, forward);
    resolve({ code, signal, wallSeconds: (performance.now() - startedAt) / 1000 });
  };
  child.once('exit', end);
  child.once('error', (error: NodeJS.ErrnoException) => {
    const isMissing = error.code === 'ENOENT';
    const reason = isMissing ? 'command not found' : `cannot be started (${error.code ?? error.message})`;
    console.error(`msc-telemetry: ${file}: ${reason}`);
    end(isMissing ? 127 : 126, null);
  });
  return promise;
}

/** Ends this process by the signal that ended the program; the exit code for the rest. */
export function endLike({ code, signal }: Ended): number {
  if (signal === null) return code ?? 1;
  process.kill(process.pid, signal);
  // Node ignores some of them.
  return 128 + constants.signals[signal];
}

function hasTerminal(): boolean {
  if (process.platform === 'win32') return true;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
