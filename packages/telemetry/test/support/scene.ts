/**
 * Scene: what one test has to itself: a root for trees, a directory for one tree, backends, programs.
 *
 * In: the test's context. Out: programs that record there, and the account of what became of it.
 * Invariant: nothing of it is seen by another test, and nothing of it is left when the test has ended.
 * On failure: programs and servers are killed all the same, and the servers' logs are printed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { type Sink, type SinkOptions, startSink } from '@multistorageclient/sink';
import type { MetricsOptions, ResamplingType } from '../../src/index.ts';
import { readTreeStatus, type TreeStatus } from '../../src/server/status.ts';
import { serverHolder } from '../../src/tree/lock.ts';
import { Program } from './program.ts';
import { until } from './until.ts';

/** Generous: a busy machine makes a test slow, not red. */
export const DEADLINE_MILLIS = 60_000;

export class Scene {
  /** `MSC_TELEMETRY_ROOT` of all programs. */
  readonly root: string;
  /** For one tree. As it is named by the user it stays, with its account, when its server has left. */
  readonly directory: string;
  readonly #programs: ChildProcess[] = [];
  readonly #sinks: Sink[] = [];

  constructor(t: TestContext) {
    this.root = mkdtempSync(path.join(placeForRoot(), 'msc-guarantee-'));
    this.directory = path.join(this.root, 'tree');
    t.after(() => this.#end(t));
  }

  /** A backend. */
  async sink(options?: SinkOptions): Promise<Sink> {
    const sink = await startSink(options);
    this.#sinks.push(sink);
    return sink;
  }

  /** Writes a file beside the trees. */
  file(name: string, text: string): string {
    const file = path.join(this.root, 'files', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** Starts one of `programs/`, with a job as its argument. */
  start(
    program: string,
    job: unknown,
    options: { env?: NodeJS.ProcessEnv; execArgv?: string[] } = {},
  ): Program {
    const file = path.join(import.meta.dirname, 'programs', `${program}.js`);
    return this.run(file, [JSON.stringify(job)], options);
  }

  run(
    file: string,
    args: readonly string[],
    { env = {}, execArgv = [] }: { env?: NodeJS.ProcessEnv; execArgv?: string[] } = {},
  ): Program {
    const child = spawn(process.execPath, [...execArgv, file, ...args], {
      env: { ...this.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: what it has started can be killed with it.
      detached: true,
    });
    this.#programs.push(child);
    return new Program(child);
  }

  /** What programs get of this process's environment: nothing that configures Node.js, tests or telemetry. */
  get env(): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(([name]) => !/^(NODE_|OTEL_|MSC_)/.test(name));
    return { ...Object.fromEntries(kept), MSC_TELEMETRY_ROOT: this.root };
  }

  /** Trees that this scene's programs have made without being told where. */
  get trees(): string[] {
    return readdirSync(this.root)
      .filter((name) => name.startsWith('tree-'))
      .map((name) => path.join(this.root, name));
  }

  /** Pid of the process that serves the tree, once there is one; another one than `former`, which was killed. */
  async serverPid(former?: number): Promise<number> {
    return await until('a server', () => {
      const pid = livingServer(this.directory);
      return pid === former ? undefined : pid;
    });
  }

  /** The status of the tree when its server has left, which it does when all writers are gone and all is exported. */
  async ended(directory: string = this.directory): Promise<TreeStatus> {
    await until(
      'the end of the server',
      () => existsSync(directory) && livingServer(directory) === undefined,
    );
    return readTreeStatus(directory);
  }

  async #end(t: TestContext): Promise<void> {
    for (const { pid } of this.#programs) if (pid !== undefined) killGroup(pid);
    for (const tree of [this.directory, ...this.trees]) {
      // One that a program started just before it was killed may not hold its lock yet, and leaves by itself.
      const pid = livingServer(tree);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      const log = path.join(tree, 'server.log');
      if (!(t as { passed?: boolean }).passed && existsSync(log)) t.diagnostic(readFileSync(log, 'utf8'));
    }
    await Promise.all(this.#sinks.map((sink) => sink.close()));
    rmSync(this.root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Metrics that are collected every 100 ms and leave every 200 ms. */
export function metricsTo(
  sink: Sink,
  { resampling = 'none', ...options }: { resampling?: ResamplingType; exportTimeoutMillis?: number } = {},
): MetricsOptions {
  return {
    exporter: { type: 'otlp', options: { endpoint: sink.url } },
    reader: { options: { collectIntervalMillis: 100, exportIntervalMillis: 200, ...options } },
    resampling: { type: resampling },
    // Tests count what arrives.
    self_telemetry: false,
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

function livingServer(directory: string): number | undefined {
  const holder = serverHolder(directory);
  return holder?.liveness === 'alive' ? holder.identity.pid : undefined;
}

function placeForRoot(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}
