/**
 * TelemetryServer: for programs that manage the server themselves, such as `msc-telemetry run` (seed: `TelemetryManager`).
 */
import { threadId } from 'node:worker_threads';
import { TelemetryError } from './errors.ts';
import { listenTree, type ListenOptions } from './link/listen-tree.ts';
import { checkEndpoint } from './link/settings.ts';
import { readTreeStatus, type TreeStatus } from './server/status.ts';
import { ConsoleRelay } from './tree/console.ts';
import { serverHolder } from './tree/lock.ts';
import { isAnswered, joinTree, readServerStatus, removeRequest, requestFlush } from './tree/requests.ts';
import { writeTreeResource } from './tree/resource.ts';
import { Supervisor, type SpawnOptions } from './tree/spawn.ts';
import { ensurePrivateDirectory } from './tree/directory.ts';
import { createTree, ensureTree, spillDirectoryFor } from './tree/trees.ts';

const { clearInterval, setInterval, setTimeout } = globalThis;
const POLL_MILLIS = 10;

export interface TelemetryServerOptions extends SpawnOptions, ListenOptions {
  /**
   * Directory to serve. Default: a new one, which is removed when all is exported; with `address` the one of this address,
   * which stays.
   */
  readonly directory?: string;
  /** Host and port to listen on, for trees that share no file system with this one. */
  readonly address?: readonly [host: string, port: number];
}

export class TelemetryServer {
  /** Directory of the tree: what `init({ mode: 'client', address })` and `MSC_TELEMETRY_DIRECTORY` take. */
  readonly address: string;
  readonly #supervisor: Supervisor;
  readonly #leave: () => void;
  readonly #listens: boolean;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #relay: ConsoleRelay;
  #final: Promise<TreeStatus> | undefined;

  /** @throws TelemetryError `MSC_DIRECTORY_UNSAFE`, `MSC_ADDRESS_UNUSABLE`; with an address `MSC_SECRET_UNUSABLE`. */
  constructor(options: TelemetryServerOptions = {}) {
    const { directory, address } = options;
    this.address =
      address === undefined
        ? (directory ?? createTree(process.env))
        : listenTree(directory, checkEndpoint(address), options, process.env);
    this.#listens = address !== undefined;
    ensureTree(this.address);
    writeTreeResource(this.address, process.env);
    this.#leave = joinTree(this.address, threadId);
    this.#supervisor = new Supervisor(this.address, options);
    this.#relay = new ConsoleRelay(this.address);
    this.#heartbeat = setInterval(() => this.#beat(), 1000).unref();
  }

  /**
   * Starts the server process, and resolves when it serves, and listens where it should. It is restarted when it dies.
   * @throws TelemetryError `MSC_SERVER_NOT_READY` after `timeoutMillis` (default 10,000).
   */
  async start({ timeoutMillis = 10_000 }: { readonly timeoutMillis?: number } = {}): Promise<void> {
    this.#supervisor.start();
    const isReady = (): boolean => {
      const holder = serverHolder(this.address);
      const status = readServerStatus(this.address);
      const isServed =
        holder !== undefined && holder.liveness !== 'dead' && status?.pid === holder.identity.pid;
      return isServed && (!this.#listens || status?.link?.state === 'listening');
    };
    if (await until(isReady, timeoutMillis)) return;
    throw new TelemetryError('MSC_SERVER_NOT_READY', `no server within ${timeoutMillis} ms`, [
      { path: 'timeoutMillis', value: timeoutMillis, expected: 'a server of this directory by then' },
    ]);
  }

  /**
   * A private directory on disk that is removed together with the tree, whoever does that: for files, such as that of
   * the exporter `file`, which are of no use later. One in a `directory` that the user named stays, as that does.
   * @throws TelemetryError `MSC_DIRECTORY_UNSAFE`, `MSC_ADDRESS_UNUSABLE`.
   */
  scratchDirectory(): string {
    const directory = spillDirectoryFor(this.address);
    ensurePrivateDirectory(directory);
    return directory;
  }

  /** What is in the directory now: writers, configurations, the account. */
  status(): TreeStatus {
    return readTreeStatus(this.address);
  }

  /** Exports everything that is in the journals; `false` where not all of it was accepted within `timeoutMillis`. */
  async flush({ timeoutMillis = 30_000 }: { readonly timeoutMillis?: number } = {}): Promise<boolean> {
    const digests = Object.keys(this.status().configurations);
    const requests = digests
      .map((digest) => requestFlush(this.address, digest))
      .filter((path) => path !== undefined);
    const done = await until(() => requests.every(isAnswered), timeoutMillis);
    if (!done) for (const request of requests) removeRequest(request);
    return done;
  }

  /**
   * Exports what is there and lets the server leave, once the other members have left as well. Idempotent.
   * @returns the last status: its account holds for everything that was recorded by writers that have ended.
   */
  stop(options: { readonly timeoutMillis?: number } = {}): Promise<TreeStatus> {
    this.#final ??= this.#stop(options);
    return this.#final;
  }

  async #stop(options: { readonly timeoutMillis?: number }): Promise<TreeStatus> {
    await this.flush(options);
    const status = this.status();
    this.#relay.relay();
    clearInterval(this.#heartbeat);
    this.#supervisor.stop();
    this.#leave();
    return status;
  }

  #beat(): void {
    this.#supervisor.check();
    this.#relay.relay();
  }
}

async function until(condition: () => boolean, timeoutMillis: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMillis;
  while (!condition()) {
    if (Date.now() >= deadline) return false;
    await new Promise((resolve) => void setTimeout(resolve, POLL_MILLIS));
  }
  return true;
}
