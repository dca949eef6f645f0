/**
 * The cast: who is in the tree of processes, what share of the work each has, and how each ends.
 *
 *   main ─┬─ cluster-1 ── its thread      end by themselves
 *         ├─ cluster-2                    process.exit() in the turn of its last operation
 *         ├─ cluster-3                    SIGKILL in the middle of its work
 *         ├─ thread-1                     ends by itself
 *         ├─ thread-2                     worker.terminate() in the middle of its work
 *         └─ (forgetful) ── grandchild    has an empty environment; ends by itself
 */
import { spawn, type ChildProcess } from 'node:child_process';
import cluster from 'node:cluster';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Job } from './job.ts';

export type End = 'end of work' | 'process.exit()' | 'SIGKILL' | 'terminate()';

interface Part {
  readonly role: string;
  /** Of all operations. Whoever is ended from outside works until then, and that is when its share is done. */
  readonly share: number;
  readonly end: End;
}

const THREAD_OF_CLUSTER = { role: 'cluster-1-thread', share: 0.12, end: 'end of work' } as const;
const CAST: readonly (Part & { readonly start: (job: Job) => Running })[] = [
  { role: 'cluster-1', share: 0.2, end: 'end of work', start: inCluster },
  { role: 'cluster-2', share: 0.2, end: 'process.exit()', start: inCluster },
  { role: 'cluster-3', share: 0.12, end: 'SIGKILL', start: inCluster },
  { role: 'thread-1', share: 0.13, end: 'end of work', start: inThread },
  { role: 'thread-2', share: 0.08, end: 'terminate()', start: inThread },
  { role: 'grandchild', share: 0.15, end: 'end of work', start: asGrandchild },
];

/** How each role ends; main looks for the files, and then only watches. */
export const ENDS: ReadonlyMap<string, End> = new Map(
  [...CAST, THREAD_OF_CLUSTER, { role: 'main', end: 'end of work' } as const].map(({ role, end }) => [
    role,
    end,
  ]),
);

interface Running {
  readonly stop: () => void;
  /** Exit code, or signal, of the process or thread. */
  readonly ended: Promise<number | string>;
}

export interface Member extends Part, Running {}

export type Common = Pick<Job, 'config' | 'list' | 'tallies' | 'scratch'>;

/** Starts everybody. */
export function startCast(operations: number, common: Common): Member[] {
  let from = 0;
  const jobOf = ({ role, share, end }: Part): Job => {
    const scratch = path.join(common.scratch, role);
    mkdirSync(scratch, { recursive: true });
    const isEndedFromOutside = end === 'SIGKILL' || end === 'terminate()';
    const own = isEndedFromOutside ? null : Math.ceil(operations * share);
    // Everybody begins elsewhere in the list of files.
    from += share;
    return { ...common, role, scratch, from, operations: own, exits: end === 'process.exit()' };
  };
  return CAST.map(({ start, ...part }) => {
    const job = jobOf(part);
    const whole = part.role === 'cluster-1' ? { ...job, thread: jobOf(THREAD_OF_CLUSTER) } : job;
    return { ...part, ...start(whole) };
  });
}

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url));
const FORGETFUL = fileURLToPath(new URL('forgetful.js', import.meta.url));

function inCluster(job: Job): Running {
  cluster.setupPrimary({ exec: WORKER, args: [JSON.stringify(job)] });
  return child(cluster.fork().process);
}

function inThread(job: Job): Running {
  const worker = new Worker(WORKER, { argv: [JSON.stringify(job)] });
  const { promise, resolve } = Promise.withResolvers<number | string>();
  worker.once('error', (error) => resolve(String(error))).once('exit', resolve);
  return { stop: () => void worker.terminate(), ended: promise };
}

function asGrandchild(job: Job): Running {
  return child(spawn(process.execPath, [FORGETFUL, JSON.stringify(job)], { stdio: 'inherit' }));
}

function child(process: ChildProcess): Running {
  const { promise, resolve } = Promise.withResolvers<number | string>();
  process.once('error', (error) => resolve(String(error)));
  process.once('exit', (code, signal) => resolve(signal ?? code ?? 1));
  return { stop: () => void process.kill('SIGKILL'), ended: promise };
}
