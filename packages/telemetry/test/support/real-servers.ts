/**
 * Where the programs of others lie that tests run against, and their lives: `test-servers/build.sh` builds them.
 *
 * In: a name. Out: the path that `MSC_TEST_<NAME>` says, or that of what was built from the sources of today; or a process.
 * On failure: a test that cannot have its server is skipped and says so, unless the environment promised one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { DEADLINE_MILLIS } from './scene.ts';

const SOURCES = path.resolve(import.meta.dirname, '../../../../../test-servers');

export type RealServer = 'collector' | 'vault' | 'prometheus';

/** `undefined` where there is none, and the test is then skipped. */
export function findRealServer(t: TestContext, server: RealServer): string | undefined {
  const variable = `MSC_TEST_${server.toUpperCase()}`;
  const given = process.env[variable];
  const file = given ?? builtServer(server);
  if (existsSync(file)) return file;
  if (given !== undefined) throw new Error(`${variable} is ${given}, which does not exist`);
  t.skip(`NOT TESTED: no real ${server}; test-servers/build.sh ${server} builds it, or set ${variable}`);
  return undefined;
}

/** As build.sh places it. */
function builtServer(server: RealServer): string {
  const digest = createHash('sha256');
  const directory = path.join(SOURCES, server);
  for (const name of readdirSync(directory).toSorted())
    digest.update(readFileSync(path.join(directory, name)));
  const { XDG_CACHE_HOME: cache } = process.env;
  const place = cache === undefined || cache === '' ? path.join(homedir(), '.cache') : cache;
  const key = `${server}-${digest.digest('hex').slice(0, 16)}`;
  return path.join(place, 'multistorageclient-test', key, server);
}

/** A port of 127.0.0.1 that nobody listens at: servers of others are told theirs. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A server that runs; killed at the end of its test. */
export class RunningServer {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = '';

  constructor(t: TestContext, file: string, args: readonly string[]) {
    const { PATH, HOME } = process.env;
    const child = spawn(file, args, { env: { PATH, HOME }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    // One that cannot be started has no `close`.
    this.#ended = Promise.race([once(child, 'close'), once(child, 'error')]).catch((error: unknown) => {
      this.#output += String(error);
    });
    t.after(() => this.stop('SIGKILL'));
  }

  /** Waits for a line of its output. `undefined`: it has ended before. */
  async says(pattern: RegExp): Promise<RegExpExecArray | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray | undefined>();
    const look = (): void => {
      const found = pattern.exec(this.#output);
      if (found !== null) resolve(found);
    };
    const streams = [this.#child.stdout, this.#child.stderr];
    for (const stream of streams) stream?.on('data', look);
    const timer = setTimeout(() => reject(new Error(`no ${pattern} in: ${this.#output}`)), DEADLINE_MILLIS);
    void this.#ended.then(() => resolve(undefined));
    try {
      look();
      return await promise;
    } finally {
      clearTimeout(timer);
      for (const stream of streams) stream?.off('data', look);
    }
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves when it has ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    await this.#ended;
  }
}
