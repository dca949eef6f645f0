import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DEADLINE_MILLIS } from './scene.ts';

export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One line of a program's stdout, as `say` in job.ts writes it. */
export type Said = Readonly<Record<string, any>>;

/** A program that runs. What it and its descendants say comes through a pipe, and so does not depend on telemetry. */
export class Program {
  /** Everything that was said so far, in order. */
  readonly said: Said[] = [];
  readonly pid: number;
  /** When it has ended and its output has been read. */
  readonly ended: Promise<End>;
  readonly #child: ChildProcess;
  readonly #observers = new Set<() => void>();
  #stdout = '';
  #stderr = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line.startsWith('{"')) this.said.push(JSON.parse(line) as Said);
      else this.#stdout += `${line}\n`;
      for (const observe of this.#observers) observe();
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      for (const observe of this.#observers) observe();
    });
    this.ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  }

  /** What else it printed, such as what an exporter prints for it. */
  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The first that was said with a key. Rejects after the deadline, or when the program has ended without it. */
  async says(key: string): Promise<Said> {
    return await this.#first(key, () => this.said.find((said) => key in said));
  }

  /** Waits until stderr matches. */
  async complains(pattern: RegExp): Promise<string> {
    return await this.#first(String(pattern), () => pattern.exec(this.#stderr)?.[0]);
  }

  /** Lets a program that waits for it go on. */
  proceed(): void {
    this.#child.stdin!.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async #first<T>(what: string, probe: () => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const observe = (): void => {
      const found = probe();
      if (found !== undefined) resolve(found);
    };
    const fail = (): void => {
      observe();
      reject(new Error(`the program never said ${what}; on stderr: ${this.#stderr}`));
    };
    const timer = setTimeout(fail, DEADLINE_MILLIS);
    this.#observers.add(observe);
    void this.ended.then(fail);
    try {
      observe();
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#observers.delete(observe);
    }
  }
}
