/**
 * Supervision of a tree's server from the processes that record.
 *
 * In: a tree's directory. Out: a running server, again and again while somebody records.
 * Invariant: the server never inherits what would instrument, debug or pin it (`NODE_OPTIONS`, `execArgv`, cluster and
 * IPC variables), and starting one too many is harmless: the lock lets one in.
 * On failure to start: tried again with back-off; the journals keep what is recorded in the meantime. One line says so when it
 * has failed twice in a row.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { logError } from '../log.ts';
import { identityOf, liveness } from './identity.ts';
import { existsSync } from './files.ts';
import { serverHolder } from './lock.ts';

const { setImmediate, setTimeout } = globalThis;
const { env: environment, execPath } = process;

const FIRST_RESTART_MILLIS = 50;
const MAX_RESTART_MILLIS = 5000;
/** Megabytes. Left alone it grows to a hundred of them with the load, for nothing that lives longer than a request. */
const YOUNG_GENERATION = '--max-semi-space-size=4';
/** Set in the server: telemetry inside it never starts a server of its own. */
export const SERVER_VARIABLE = 'MSC_TELEMETRY_SERVER';

export interface SpawnOptions {
  /** File of the server; for programs that are bundled. Default `MSC_TELEMETRY_SERVER_PATH`, else this package's own. */
  readonly serverPath?: string;
}

export class Supervisor {
  readonly #tree: string;
  readonly #serverPath: string;
  /** Of the last one that was started from here: nobody else gets it before the end is reported. */
  #pid: number | undefined;
  #failures = 0;
  #startedAtMillis = 0;
  #isPending = false;
  #isWaiting = false;
  #isStopped = false;
  #missing = 0;

  constructor(tree: string, { serverPath }: SpawnOptions = {}) {
    this.#tree = tree;
    this.#serverPath =
      serverPath ??
      environment['MSC_TELEMETRY_SERVER_PATH'] ??
      fileURLToPath(new URL('../server/main.js', import.meta.url));
  }

  /**
   * Starts a server at the end of this turn, or with `startPending` before: that takes some milliseconds, more the larger this
   * process has grown, which a program that only says `init` need not wait for there.
   */
  startSoon(): void {
    this.#isPending = true;
    setImmediate(() => this.startPending());
  }

  /** Starts the server that was to be started soon: before the first journal there is somebody who reads it. */
  startPending(): void {
    if (this.#isPending) this.start();
  }

  /** Starts a server now. */
  start(): void {
    this.#isPending = false;
    this.#isWaiting = false;
    if (this.#isStopped || !existsSync(this.#tree)) return;
    this.#startedAtMillis = Date.now();
    try {
      const child = spawn(execPath, [YOUNG_GENERATION, this.#serverPath, this.#tree], {
        // A session of its own: the terminal's signals do not reach it.
        detached: true,
        stdio: 'ignore',
        env: serverEnvironment(environment),
        windowsHide: true,
      });
      child.once('error', (error) => this.#restart(error.message));
      child.once('exit', (code) => {
        if (this.#pid === child.pid) this.#pid = undefined;
        // 0: it had nothing to do any more, or another one serves the tree. Killed, it will do the next time.
        if (code !== 0) this.#restart(code === null ? undefined : `exit code ${code}`);
      });
      child.unref();
      this.#pid = child.pid;
    } catch (error) {
      this.#restart(String(error));
    }
  }

  /** Looks whether somebody serves the tree; to be called every second or so by every process that records. */
  check(): void {
    if (this.#isStopped || this.#isWaiting || this.#isPending) return;
    const holder = serverHolder(this.#tree);
    this.#missing = holder === undefined || holder.liveness === 'dead' ? this.#missing + 1 : 0;
    // The one who started it sees its end at once; the others leave it the time to act.
    if (this.#missing < 2) return;
    this.#missing = 0;
    this.start();
  }

  /** At exit, when no timer fires any more: where the server is known to be dead, another one gets what is left. */
  revive(): void {
    const isDead = this.#isPending || this.#isWaiting || serverHolder(this.#tree)?.liveness === 'dead';
    const server = this.#pid === undefined ? undefined : identityOf(this.#pid);
    const isComing = server !== undefined && liveness(server) !== 'dead';
    if (isDead && !isComing) this.start();
  }

  stop(): void {
    // Somebody has to remove the directory.
    this.startPending();
    this.#isStopped = true;
  }

  #restart(reason: string | undefined): void {
    if (this.#isStopped || this.#isWaiting) return;
    if (Date.now() - this.#startedAtMillis > 10_000) this.#failures = 0;
    if (reason !== undefined && this.#failures > 0) {
      const where = `${this.#serverPath} does not run on Node.js ${process.version} (${reason})`;
      logError(
        `the telemetry server ${where}: what is recorded stays in ${this.#tree}, and it is tried again`,
      );
    }
    const millis = Math.min(MAX_RESTART_MILLIS, FIRST_RESTART_MILLIS * 2 ** this.#failures++);
    this.#isWaiting = true;
    setTimeout(() => this.start(), millis).unref();
  }
}

/**
 * What the server gets of the environment: proxies, certificates and paths, but nothing that configures Node or OTel, and not
 * the secret of a link: that lies in the tree's directory, where adopters find it too.
 */
function serverEnvironment(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) =>
      !/^(NODE_|OTEL_|npm_|TRACE(PARENT|STATE)$|MSC_TELEMETRY_SECRET)/.test(name) ||
      name === 'NODE_EXTRA_CA_CERTS',
  );
  return { ...Object.fromEntries(kept), [SERVER_VARIABLE]: '1' };
}

/** Why no server process can be had here, or `undefined` where it can. */
export function whyNoServer(): string | undefined {
  if (environment[SERVER_VARIABLE] === '1') return 'this is the telemetry server itself';
  if (process.versions['electron'] !== undefined) return 'Electron has no plain node to start';
  const { permission } = process as { permission?: { has(scope: string): boolean } };
  if (permission !== undefined && !permission.has('child'))
    return 'the permission model denies child processes';
  if (isSingleExecutable()) return 'a single executable application has no plain node to start';
  return undefined;
}

function isSingleExecutable(): boolean {
  const sea = process.getBuiltinModule('node:sea') as { isSea(): boolean } | undefined;
  return sea?.isSea() ?? false;
}
