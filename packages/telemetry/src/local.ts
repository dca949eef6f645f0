/**
 * LOCAL: the server's loop inside the program itself, loaded only there.
 *
 * In: a directory. Out: the same path as with a server.
 * Invariant: it does not keep the program alive, except when the program has run out of work: then it exports what is
 * there, as long as there is progress and `exitTimeoutMillis` lasts, and removes a directory with nothing left in it.
 * On failure: what `process.exit()`, or a backend that is away, leaves in a journal, the next start drains.
 */
import type { Serving } from './server/serve.ts';
import { logError } from './log.ts';
import type { Membership } from './modes.ts';
import { turnUntilExported } from './tree/wait.ts';

const { setTimeout } = globalThis;

const POLL_MILLIS = 5;
/** An export may itself be recorded, as that of an instrumented HTTP client: then there is always something new. */
const MAX_REPEATS = 3;

/** What this thread records. */
export interface LocalRecording {
  /** Calls so far. */
  readonly recorded: () => number;
  /** Writes all of it to the journals, what is observed included. */
  readonly flush: () => Promise<void>;
  /** Of its configurations. */
  readonly digests: () => readonly string[];
  /** Milliseconds that the end of the program's work waits for exports, all in all. */
  readonly timeoutMillis: number;
}

export class LocalServer {
  readonly #directory: string;
  readonly #serving: Promise<Serving | undefined>;
  /** Calls that had been recorded when all of them were last written for export. */
  #flushed = -1;
  #isStopped = false;
  /** The program has run out of work, and what it has recorded is being exported. */
  isExporting = false;

  constructor({ directory, isJournaled }: Membership, env: NodeJS.ProcessEnv) {
    this.#directory = directory;
    // Whoever cannot write a journal cannot take over those of others either.
    const adopts = isJournaled ? { env } : {};
    this.#serving = import('./server/serve.ts')
      .then(({ serve }) => serve({ directory, ...adopts, log: logError, leaves: false, keepsAlive: false }))
      .catch((error: unknown) => {
        logError(`nothing is exported: ${String(error)}`);
        return undefined;
      });
  }

  /** The end of the program's work is the last moment at which something asynchronous can still be done. */
  exportAtEndOfWork(recording: LocalRecording): void {
    let remainingMillis = recording.timeoutMillis;
    let seen = -1;
    let repeats = 0;
    process.on('beforeExit', () => {
      // It comes again after our own wait, and after what other listeners do.
      const recorded = recording.recorded();
      if (this.#isStopped || this.isExporting || this.hasFlushed(recorded)) return;
      if (recorded === seen && ++repeats > MAX_REPEATS) return;
      this.isExporting = true;
      const startMillis = Date.now();
      void this.#export(recording, remainingMillis)
        .catch((error: unknown) => logError(`the last export failed: ${String(error)}`))
        .finally(() => {
          this.isExporting = false;
          seen = recording.recorded();
          remainingMillis = Math.max(0, remainingMillis - (Date.now() - startMillis));
        });
    });
  }

  /** Whether that many calls are all that was recorded when it was last written for export. */
  hasFlushed(recorded: number): boolean {
    return recorded === this.#flushed;
  }

  /** Exports what is there and removes the directory if nothing is left in it. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const serving = await this.#serving;
    await serving?.stop({ remove: true });
  }

  async #export({ flush, recorded, digests }: LocalRecording, timeoutMillis: number): Promise<void> {
    const endMillis = Date.now() + timeoutMillis;
    await flush();
    const isFirst = this.#flushed < 0;
    this.#flushed = recorded();
    const serving = await this.#serving;
    if (serving === undefined) return;
    await turnUntilExported(this.#directory, digests(), timeoutMillis);
    while (serving.isDraining && Date.now() < endMillis) {
      await new Promise((resolve) => void setTimeout(resolve, POLL_MILLIS));
    }
    // Requests follow each other without a pause: only so does the program end in time.
    if (Date.now() >= endMillis) await this.stop();
    // From here on, so that it comes after the program's own listeners, which may record.
    if (isFirst) process.once('exit', () => this.hasFlushed(recorded()) && serving.removeExported());
  }
}
