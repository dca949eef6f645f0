/**
 * Requests between the bench and its programs, over the IPC channel of a fork.
 *
 * In: the name of a method and one argument. Out: what the method returns. One program may have several under way.
 * On failure: an error of the method rejects the request, and so does the end of the program; a program whose bench is gone
 * ends itself.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

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
  process.on('message', ({ id, method, argument }: Request) => {
    // Without a channel there is nobody to tell.
    const send = (said: Omit<Answer, 'id'>): void => void process.send?.({ id, ...said });
    const run = async (): Promise<unknown> => await methods[method](argument as never);
    run().then(
      (value) => send({ value }),
      (error: unknown) =>
        send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
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
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #requests = 0;

  constructor(file: string, { env, args = [], execArgv = [] }: ProgramOptions) {
    this.#child = fork(file, args, {
      env,
      execArgv: [...execArgv],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.pid = this.#child.pid ?? 0;
    this.#child.on('message', ({ id, value, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
    });
    this.#child.on('exit', (code, signal) => {
      const error = new Error(`${file} has ended (${signal ?? code})`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  ask<N extends keyof M & string>(method: N, argument?: Argument<M, N>): Promise<Value<M, N>> {
    const id = ++this.#requests;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    this.#child.send({ id, method, argument } satisfies Request);
    return promise as Promise<Value<M, N>>;
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
