/**
 * A member of a tree, with its descendants: starts them, waits for their ends, and then records a burst of its own.
 */
import { type ChildProcess, fork, spawn, type StdioOptions } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { init } from '../../../src/index.ts';
import { type Burst, record } from '../burst.ts';
import { proceeding, readJob } from '../job.ts';

export type How = 'cluster' | 'fork' | 'spawn' | 'scrubbed' | 'worker';

/**
 * `stay`: a main process goes on until the test says `proceed`.
 * `spin`: a worker thread tells its parent that it is done and does not return, so that it is terminated inside of the turn
 * of its last sample. `outlast`: so it does, but its parent goes on without an end of it, and both end together.
 */
export type End = 'return' | 'exit' | 'throw' | 'stay' | 'spin' | 'outlast';

export interface Member {
  /** How its parent starts it; `scrubbed` is a process with an empty environment. */
  readonly how?: How;
  /** Without one, it has no telemetry. */
  readonly burst?: Burst;
  /** What it does right behind its last sample. Default `return`; a cluster worker then stays, as its channel is open. */
  readonly end?: End;
  readonly children?: readonly Member[];
  /** Records beside its children instead of after them. */
  readonly parallel?: boolean;
}

interface ThreadData {
  readonly member: Member;
  readonly isDone: Int32Array<SharedArrayBuffer>;
}

const file = import.meta.filename;

async function startChild(member: Member): Promise<void> {
  if (member.how === 'worker') return startThread(member);
  await once(startProcess(member), 'exit');
}

function startProcess(member: Member): ChildProcess {
  const job = JSON.stringify(member);
  const stdio: StdioOptions = ['ignore', 'inherit', 'inherit'];
  switch (member.how) {
    case 'cluster':
      cluster.setupPrimary({ exec: file, args: [job] });
      return cluster.fork().process;
    case 'fork':
      return fork(file, [job]);
    case 'spawn':
      return spawn(process.execPath, [file, job], { stdio });
    default:
      return spawn(process.execPath, [file, job], { stdio, env: {} });
  }
}

async function startThread(member: Member): Promise<void> {
  const isDone = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(file, { workerData: { member, isDone } satisfies ThreadData });
  // An error of the thread is meant to end it, and nothing else.
  worker.on('error', () => undefined);
  const exit = new Promise((resolve) => void worker.once('exit', resolve));
  if (member.end === 'spin' || member.end === 'outlast') await Atomics.waitAsync(isDone, 0, 0).value;
  if (member.end === 'outlast') return;
  if (member.end === 'spin') await worker.terminate();
  await exit;
}

function endOf(end: Member['end'], isDone: Int32Array | undefined): void {
  if (end === 'exit') process.exit();
  if (end === 'throw') throw new Error('the end of this member');
  if (end === 'stay') void proceeding();
  if ((end !== 'spin' && end !== 'outlast') || isDone === undefined) return;
  Atomics.store(isDone, 0, 1);
  Atomics.notify(isDone, 0);
  for (;;);
}

const { member, isDone }: { member: Member; isDone?: Int32Array } = isMainThread
  ? { member: readJob() as Member }
  : (workerData as ThreadData);
if (member.burst !== undefined) init(member.burst.init);
const children = Promise.all((member.children ?? []).map(startChild));
if (member.parallel !== true) await children;
if (member.burst !== undefined) record(member.burst, () => endOf(member.end, isDone));
