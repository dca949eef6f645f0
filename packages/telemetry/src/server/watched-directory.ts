/**
 * A directory that is polled: its names, read again only when they may have changed. `readdir` costs ten times a `stat`, and
 * an idle server does little else.
 */
import { readdirSync, statSync } from '../journal/files.ts';

/** Modification times move in steps of the kernel's clock: what changed within one step of the last look may hide. */
const CLOCK_STEP_MILLIS = 50;

export class WatchedDirectory {
  readonly path: string;
  #readAtMillis = -Infinity;
  #names: readonly string[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /** What is in it; nothing where it does not exist. */
  names(): readonly string[] {
    try {
      const changedAtMillis = statSync(this.path).mtimeMs;
      if (changedAtMillis < this.#readAtMillis - CLOCK_STEP_MILLIS) return this.#names;
      this.#readAtMillis = Date.now();
      this.#names = readdirSync(this.path);
    } catch {
      this.#readAtMillis = -Infinity;
      this.#names = [];
    }
    return this.#names;
  }
}
