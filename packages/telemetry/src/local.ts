/**
 * LOCAL: the server's loop inside the program itself, loaded only there.
 *
 * In: a directory. Out: the same path as with a server. What a `process.exit()` leaves behind, the next start drains.
 */
import type { Serving } from './server/serve.ts';
import { logError } from './log.ts';

export class LocalServer {
  readonly #serving: Promise<Serving | undefined>;

  constructor(directory: string, env: NodeJS.ProcessEnv) {
    this.#serving = import('./server/serve.ts').then(({ serve }) =>
      serve({ directory, env, log: logError, leaves: false, keepsAlive: false }),
    );
    // The end of the program's work is the last moment at which something asynchronous can still be done.
    process.once('beforeExit', () => void this.#serving.then((serving) => serving?.flush()));
  }

  /** Exports what is there and removes the directory if nothing is left in it. */
  async stop(): Promise<void> {
    const serving = await this.#serving;
    await serving?.stop({ remove: true });
  }
}
