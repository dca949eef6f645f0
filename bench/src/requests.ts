/**
 * Requests between the bench and its programs, over the IPC channel of a fork, and between those and their threads.
 *
 * In: the name of a method and one argument. Out: what the method returns. One program may have several under way.
 * On failure: an error of the method rejects the request, and so does the end of the program; a program whose bench is gone
 * ends itself.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Worker, type MessagePort } from 'node:worker_threads';

interface Request {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Methods of a program, by name. What goes in and out must survive JSON. */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>;

type Argument<M extends Methods, N extends keyof M> = Parameters<M[N]>[0];
type Value<M extends Methods, N extends keyof M> = Awaited<ReturnType<M[N]>>;

/** For a program's main file: answers requests until the bench closes the channel, then ends the process. */
export function answer(methods: Methods): void {
  // Without a channel there is nobody to tell.
  process.on('message', (request: Request) => void execute(methods, request, (said) => process.send?.(said)));
  process.on('disconnect', () => process.exit());
}

/** For a worker thread: the same, over its port. */
export function answerOn(port: MessagePort, methods: Methods): void {
  port.on('message', (request: Request) => void execute(methods, request, (said) => port.postMessage(said)));
}

async function execute(
  methods: Methods,
  { id, method, argument }: Request,
  send: (said: Answer) => void,
): Promise<void> {
  try {
    const value = await methods[method](argument as never);
    send({ id, value });
  } catch (error) {
    send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

/** Requests that wait for their answers. */
class Pending<M extends Methods> {
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  readonly #send: (request: Request) => void;
  #requests = 0;

  constructor(send: (request: Request) => void) {
    this.#send = send;
  }

  ask<N extends keyof M & string>(method: N, argument?: Argument<M, N>): Promise<Value<M, N>> {
    const id = ++this.#requests;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    this.#send({ id, method, argument });
    return promise as Promise<Value<M, N>>;
  }

  settle({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }

  fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** A worker thread that runs and answers; it ends with its process. */
export class Thread<M extends Methods> {
  readonly #pending: Pending<M>;

  constructor(file: URL) {
    const worker = new Worker(file);
    this.#pending = new Pending((request) => worker.postMessage(request, []));
    worker.on('message', (said: Answer) => this.#pending.settle(said));
    worker.on('error', (error) => this.#pending.fail(error));
  }

  ask<N extends keyof M & string>(method: N, argument?: Argument<M, N>): Promise<Value<M, N>> {
    return this.#pending.ask(method, argument);
  }
}

export interface ProgramOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly args?: readonly string[];
  readonly execArgv?: readonly string[];
}

/** A program that runs and answers. */
export class Program<M extends Methods> {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #pending: Pending<M>;

  constructor(file: string, { env, args = [], execArgv = [] }: ProgramOptions) {
    const child = fork(file, args, {
      env,
      execArgv: [...execArgv],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#pending = new Pending((request) => child.send(request));
    child.on('message', (said: Answer) => this.#pending.settle(said));
    child.on('exit', (code, signal) =>
      this.#pending.fail(new Error(`${file} has ended (${signal ?? code})`)),
    );
  }

  ask<N extends keyof M & string>(method: N, argument?: Argument<M, N>): Promise<Value<M, N>> {
    return this.#pending.ask(method, argument);
  }

  /** Lets it end by itself. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    await ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
