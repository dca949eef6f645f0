/** A member of a tree that is traced: one span, inside of which it starts its children. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { TracesRecording } from '../../src/traces/recording.ts';
import { tracesConfig } from './stage.ts';

export interface Member {
  readonly name: string;
  readonly directory: string;
  /** How its parent starts it. */
  readonly how?: 'fork' | 'scrubbed' | 'worker';
  readonly children?: readonly Omit<Member, 'directory'>[];
}

const {
  name,
  directory,
  children = [],
} = (isMainThread ? JSON.parse(process.argv[2]) : workerData) as Member;

async function start(child: Member): Promise<void> {
  const file = import.meta.filename;
  const args = [JSON.stringify(child)];
  if (child.how === 'worker') await once(new Worker(file, { workerData: child }), 'exit');
  else await once(fork(file, args, child.how === 'scrubbed' ? { env: {} } : {}), 'exit');
}

const recording = new TracesRecording(tracesConfig(), { directory, isJournaled: true, flush: 'turn' });
await recording.provider.getTracer('members').startActiveSpan(name, async (span) => {
  await Promise.all(children.map((child) => start({ ...child, directory })));
  span.end();
});
recording.close();
