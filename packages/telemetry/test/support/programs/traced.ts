/**
 * A member of a tree that is traced, with its descendants: one span, inside of which it starts them, and one that ends before
 * the member does.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { init, type Address, type MetricsOptions } from '../../../src/index.ts';
import type { TracesOptions } from '../../../src/config/traces.ts';
import { proceeding, readJob, say } from '../job.ts';

export interface TracedMember {
  readonly name: string;
  readonly how?: 'fork' | 'worker';
  /**
   * What becomes of it inside of its span: `return` ends the span, as is default; `stay` does when the test says `proceed`; `spin`: a
   * thread never returns, and its parent terminates it; `wait` says its pid and waits to be killed.
   */
  readonly end?: 'return' | 'stay' | 'exit' | 'throw' | 'spin' | 'wait';
  readonly children?: readonly TracedMember[];
  /** Spans one after the other, named by their number. */
  readonly spans?: number;
}

export interface TracedJob {
  /** Of the tree; or where the link goes. */
  readonly directory: Address;
  readonly traces: TracesOptions;
  /** Where operations go: each member has two. */
  readonly metrics?: MetricsOptions;
  readonly member: TracedMember;
}

const file = import.meta.filename;
const job = (isMainThread ? readJob() : workerData) as TracedJob;
const { member, traces, metrics } = job;
const telemetry = init({ address: job.directory });
const tracer = telemetry.tracer(traces)!;

async function start(child: TracedMember): Promise<void> {
  const childJob: TracedJob = { ...job, member: child };
  if (child.how !== 'worker') {
    await once(fork(file, [JSON.stringify(childJob)]), 'exit');
    return;
  }
  const worker = new Worker(file, { workerData: childJob });
  // An error of the thread is meant to end it, and nothing else.
  worker.on('error', () => undefined);
  const exit = new Promise((resolve) => void worker.once('exit', resolve));
  if (child.end === 'spin') {
    await once(worker, 'message');
    await worker.terminate();
  }
  await exit;
}

async function end(): Promise<void> {
  switch (member.end) {
    case 'stay':
      return await proceeding();
    case 'exit':
      return process.exit();
    case 'throw':
      setImmediate(() => {
        throw new Error('the end of this member');
      });
      return await new Promise(() => undefined);
    case 'spin':
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- this is no window
      (await import('node:worker_threads')).parentPort!.postMessage('spinning');
      for (;;);
    case 'wait':
      say({ waiting: member.name, pid: process.pid });
      return await new Promise(() => void setInterval(() => undefined, 1000));
    default:
      return undefined;
  }
}

await tracer.startActiveSpan(member.name, async (span) => {
  tracer.startSpan(`${member.name}: ended`).end();
  if (metrics !== undefined) {
    const operations = telemetry.operations(metrics, { provider: 'file', tracer })!;
    // In one batch.
    for (const name of ['read', 'list'] as const) operations.start(name).succeed();
  }
  for (let number = 0; number < (member.spans ?? 0); number++) {
    tracer.startSpan(String(number)).end();
    if (number % 100 === 0) await new Promise((resolve) => void setImmediate(resolve));
  }
  say({ made: member.name });
  await Promise.all((member.children ?? []).map(start));
  await tracer.startActiveSpan(`${member.name}: inner`, async (inner) => {
    await end();
    inner.end();
  });
  span.end();
});
