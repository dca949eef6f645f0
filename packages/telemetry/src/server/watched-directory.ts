/**
 * A directory that is polled: its names, read again only when they may have changed. `readdir` costs ten times a `stat`, and
 * an idle server does little else.
 */
import { readdirSync, statSync } from '../tree/files.ts';

/** Modification times move in steps of the kernel's clock: what changed within one step of the last look may hide. */
const CLOCK_STEP_MILLIS = 50;

export class WatchedDirectory {
  readonly path: string;
  #readAtMillis = -Infinity;
  #changedAtMillis = -Infinity;
  #names: readonly string[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /** What is in it; nothing where it does not exist. */
  names(): readonly string[] {
    try {
      const changedAtMillis = statSync(this.path).mtimeMs;
      // Equal, and not merely earlier than the last look: the wall clock may have been set back since.
      const isOld = changedAtMillis < this.#readAtMillis - CLOCK_STEP_MILLIS;
      if (isOld && changedAtMillis === this.#changedAtMillis) return this.#names;
      this.#readAtMillis = Date.now();
      this.#changedAtMillis = changedAtMillis;
      this.#names = readdirSync(this.path);
    } catch {
      this.#readAtMillis = -Infinity;
      this.#names = [];
    }
    return this.#names;
  }
}
