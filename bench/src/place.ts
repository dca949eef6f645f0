/**
 * Place: what one bench has to itself: a directory in memory, servers of trees in it, backends, programs.
 *
 * Invariant: nothing of it is seen by telemetry elsewhere on the machine, and nothing of it is left when the bench has ended,
 * however it did.
 */
import { accessSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { TelemetryServer, type MetricsOptions } from '@multistorageclient/telemetry';
import type { Methods as SinkMethods } from './programs/sink.ts';
import { Program, type Methods } from './requests.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

/** A backend, in a process of its own: its CPU counts for nobody. */
export interface BenchSink {
  readonly program: Program<SinkMethods>;
  readonly url: string;
}

/** A tree with a server. */
export interface Tree {
  readonly directory: string;
  readonly pid: number;
  readonly server: TelemetryServer;
}

export class Place {
  readonly root: string;
  readonly #programs: Program<Methods>[] = [];
  readonly #trees: Tree[] = [];
  readonly #adopted: number[] = [];
  #directories = 0;

  constructor() {
    this.root = mkdtempSync(path.join(inMemory(), 'msc-bench-'));
    process.env['MSC_TELEMETRY_ROOT'] = this.root;
  }

  /** What programs get of this process's environment: nothing that configures Node.js or telemetry. */
  get env(): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(([name]) => !/^(NODE_|OTEL_|MSC_|npm_)/.test(name));
    return { ...Object.fromEntries(kept), MSC_TELEMETRY_ROOT: this.root };
  }

  /** A directory that does not exist yet. */
  newDirectory(): string {
    return path.join(this.root, `${++this.#directories}`);
  }

  /** Starts one of `programs/`. */
  start<M extends Methods>(name: string, execArgv: readonly string[] = []): Program<M> {
    const file = path.join(import.meta.dirname, 'programs', `${name}.js`);
    const program = new Program<M>(file, { env: this.env, execArgv });
    this.#programs.push(program);
    return program;
  }

  async sink(): Promise<BenchSink> {
    const program = this.start<SinkMethods>('sink');
    return { program, url: await program.ask('listen') };
  }

  /** `serverPath` is that of another server than the product's own, such as one that is profiled. */
  async tree(serverPath?: string): Promise<Tree> {
    const server = new TelemetryServer({
      directory: this.newDirectory(),
      ...(serverPath === undefined ? {} : { serverPath }),
    });
    await server.start();
    const pid = server.status().server?.pid ?? 0;
    const tree = { directory: server.address, pid, server };
    this.#trees.push(tree);
    return tree;
  }

  /** Takes over a server that a program has started: it ends with the others. */
  adopt(pid: number): void {
    this.#adopted.push(pid);
  }

  /** Ends everything that runs here; the place remains. */
  async clear(): Promise<void> {
    const programs = this.#programs.splice(0);
    const trees = this.#trees.splice(0);
    for (const { server } of trees) await server.stop({ timeoutMillis: 1000 });
    for (const program of programs) program.kill();
    await Promise.all(programs.map((program) => program.end()));
    for (const pid of [...trees.map((tree) => tree.pid), ...this.#adopted.splice(0)]) await endOf(pid);
    for (const name of readdirSync(this.root)) removeAll(path.join(this.root, name));
  }

  remove(): void {
    for (const program of this.#programs) program.kill();
    for (const pid of [...this.#trees.map((tree) => tree.pid), ...this.#adopted]) kill(pid);
    removeAll(this.root);
  }
}

/** Raw samples to a sink, each by itself, and nothing else: the sink counts them. */
export function rawTo(
  url: string,
  { compression = 'none', ...rest }: { compression?: Compression } & Partial<MetricsOptions> = {},
): MetricsOptions {
  return {
    exporter: { type: 'otlp', options: { endpoint: url, compression } },
    self_telemetry: false,
    ...rest,
  };
}

function inMemory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}

/** A server leaves by itself when all is exported; one of a bench that failed is not waited for. */
async function endOf(pid: number): Promise<void> {
  for (let tries = 0; tries < 20 && isAlive(pid); tries++) await setTimeout(50);
  kill(pid);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has left.
  }
}

function removeAll(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
