/**
 * Tally: what a thread did with files, counted by the program itself and not by the telemetry.
 *
 * In: every call of the workload. Out: a small file per thread, which anybody may read at any time.
 * Invariant: a call counts as started before it is made, and as ended when the program has its answer; each count is
 * in the file at once, so that it survives whatever ends the thread.
 */
import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { OperationName } from '@multistorageclient/telemetry';

export type Kind = Exclude<OperationName, 'delete_many'>;
export const KINDS: readonly Kind[] = ['read', 'write', 'copy', 'delete', 'info', 'list'];

/** What one thread did. */
export interface Counted {
  readonly role: string;
  readonly pid: number;
  readonly threadId: number;
  readonly started: number;
  readonly ended: number;
  readonly kinds: Readonly<
    Record<Kind, { readonly success: number; readonly error: number; readonly bytes: number }>
  >;
}

const SUFFIX = '.tally';
/** `started`, then three for each kind: successes, errors, bytes. */
const COUNTS = 1 + 3 * KINDS.length;

export class Tally {
  readonly #file: number;
  readonly #counts = new Float64Array(COUNTS);

  constructor(directory: string, role: string, pid: number, threadId: number) {
    this.#file = openSync(path.join(directory, `${role}.${pid}.${threadId}${SUFFIX}`), 'wx');
    this.#write();
  }

  get started(): number {
    return this.#counts[0];
  }

  /** Makes a call and counts it. */
  async count<T>(kind: Kind, call: () => Promise<T>, bytesOf?: (value: T) => number): Promise<T> {
    this.#add(0, 1);
    const first = 1 + 3 * KINDS.indexOf(kind);
    try {
      const value = await call();
      if (bytesOf !== undefined) this.#counts[first + 2] += bytesOf(value);
      this.#add(first, 1);
      return value;
    } catch (error) {
      this.#add(first + 1, 1);
      throw error;
    }
  }

  #add(index: number, count: number): void {
    this.#counts[index] += count;
    this.#write();
  }

  #write(): void {
    writeSync(this.#file, this.#counts, 0, this.#counts.byteLength, 0);
  }
}

/** The tallies of all threads so far. */
export function readTallies(directory: string): Counted[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => {
      const bytes = Buffer.alloc(COUNTS * 8);
      readFileSync(path.join(directory, name)).copy(bytes);
      const counts = Array.from({ length: COUNTS }, (_, index) => bytes.readDoubleLE(index * 8));
      return counted(name.slice(0, -SUFFIX.length), counts);
    });
}

function counted(name: string, [started, ...counts]: readonly number[]): Counted {
  const [role, pid, threadId] = name.split('.');
  const of = (kind: Kind) => {
    const [success, error, bytes] = counts.slice(3 * KINDS.indexOf(kind));
    return { success, error, bytes };
  };
  const kinds = Object.fromEntries(KINDS.map((kind) => [kind, of(kind)])) as Counted['kinds'];
  const ended = Object.values(kinds).reduce((sum, { success, error }) => sum + success + error, 0);
  return { role, pid: Number(pid), threadId: Number(threadId), started, ended, kinds };
}
