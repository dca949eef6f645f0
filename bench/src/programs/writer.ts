/** A program that records, by itself or in worker threads, and says what CPU that took, the journal's writes included. */
import { ownCpuMicros } from '../cpu.ts';
import { answer, Thread } from '../requests.ts';
import { Writing, type RecordJob, type WriterJob } from '../writing.ts';
import { startProfile, type Profiling } from '../profiling.ts';
import type { Methods as ThreadMethods } from './writer-thread.ts';

const THREAD = new URL('writer-thread.js', import.meta.url);

let writing: Writing | undefined;
let threads: Thread<ThreadMethods>[] = [];
let profile: Profiling | undefined;

function opened(): Writing {
  if (writing === undefined) throw new Error('open comes first');
  return writing;
}

const methods = {
  /** With `threadCount`, so many worker threads record instead of the main thread. */
  open: async ({ threadCount = 0, ...job }: WriterJob & { threadCount?: number }): Promise<void> => {
    threads = Array.from({ length: threadCount }, () => new Thread<ThreadMethods>(THREAD));
    if (threadCount === 0) writing = new Writing(job);
    await Promise.all(threads.map((thread) => thread.ask('open', job)));
  },
  /** Each of its writers records so many samples. Returns microseconds of CPU. */
  record: async (job: RecordJob): Promise<number> => {
    const before = ownCpuMicros();
    if (threads.length === 0) await opened().record(job);
    else await Promise.all(threads.map((thread) => thread.ask('record', job)));
    return ownCpuMicros() - before;
  },
  recordFor: ({ millis, perTurn }: { millis: number; perTurn: number }): Promise<number> =>
    opened().recordFor(millis, perTurn),
  trickle: ({ millis, perTurn }: { millis: number; perTurn: number }): Promise<number> =>
    opened().trickle(millis, perTurn),
  /** From here on, until `endProfile`. */
  profile: (): void => void (profile = startProfile()),
  endProfile: (file: string): void => profile?.end(file),
};
export type Methods = typeof methods;
answer(methods);
