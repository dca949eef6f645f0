import { writeSync } from 'node:fs';

/** What the test has told this program to do. */
export function readJob(): unknown {
  return JSON.parse(process.argv[2]);
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Tells the test, at once: what was said before a SIGKILL has been said. Lines of several processes do not mix. */
export function say(value: Readonly<Record<string, unknown>>): void {
  const line = `${JSON.stringify(value)}\n`;
  for (;;) {
    try {
      writeSync(1, line);
      return;
    } catch (error) {
      // The test has not read on yet.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(sleeper, 0, 0, 1);
    }
  }
}

/** Resolves when the test says `proceed`. */
export async function proceeding(): Promise<void> {
  for await (const _ of process.stdin);
}
