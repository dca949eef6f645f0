/**
 * What the server's exporters print (`console`): into a file of the tree, from which the process that started the tree
 * passes it on to its own stdout. The server must not hold the program's stdout open: whoever reads it would wait.
 */
import path from 'node:path';
import { format, inspect, type InspectOptions } from 'node:util';
import { appendFileSync, closeSync, fstatSync, openForRead, readSync, writeSync } from './files.ts';

const CONSOLE_FILE = 'console.log';

/** In the server: prints into the tree. */
export function redirectConsole(tree: string): void {
  const file = path.join(tree, CONSOLE_FILE);
  const print = (...values: unknown[]): void => {
    try {
      appendFileSync(file, `${format(...values)}\n`, { mode: 0o600 });
    } catch {
      // Nowhere to print it.
    }
  };
  const dir = (value: unknown, options?: InspectOptions): void => print(inspect(value, options));
  Object.assign(console, { log: print, info: print, warn: print, error: print, dir });
}

/** In the process that started the tree: passes on what was printed since the last call. Synchronous, for exit. */
export class ConsoleRelay {
  readonly #file: string;
  #offset = 0;

  constructor(tree: string) {
    this.#file = path.join(tree, CONSOLE_FILE);
  }

  relay(): void {
    const file = openForRead(this.#file);
    if (file === undefined) return;
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - this.#offset));
      const read = readSync(file, bytes, 0, bytes.length, this.#offset);
      for (let written = 0; written < read;) written += writeSync(1, bytes, written, read - written);
      this.#offset += read;
    } catch {
      // The program's stdout is closed or full; telemetry is not worth blocking it.
    } finally {
      closeSync(file);
    }
  }
}
