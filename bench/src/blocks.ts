/**
 * Measuring several things in one process, a block of each in turn, so that whatever slows the machine slows all of them.
 *
 * In: what to run, and how often. Out: for each, nanoseconds of CPU per call, block by block. CPU and not time, because the
 * machine does other things too; garbage collection and system calls of this process are part of it.
 */
import { ownCpuMicros } from './cpu.ts';

export interface Subject {
  readonly name: string;
  /** Calls of one block. */
  readonly calls: number;
  readonly run: (calls: number) => void | Promise<void>;
}

export interface BlockOptions {
  readonly blocks: number;
  /** Blocks before those that count: the compiler needs to have seen everything. Default 2. */
  readonly warmUpBlocks?: number;
  /** Runs before each block, and is not measured. */
  readonly settle?: () => Promise<void>;
}

export async function measureBlocks(
  subjects: readonly Subject[],
  { blocks, warmUpBlocks = 2, settle }: BlockOptions,
): Promise<Record<string, number[]>> {
  const runs = Object.fromEntries(subjects.map(({ name }): [string, number[]] => [name, []]));
  for (let block = -warmUpBlocks; block < blocks; block++) {
    for (const { name, calls, run } of subjects) {
      await settle?.();
      const before = ownCpuMicros();
      const ending = run(calls);
      if (ending !== undefined) await ending;
      const nanos = (ownCpuMicros() - before) * 1000;
      if (block >= 0) runs[name].push(nanos / calls);
    }
  }
  return runs;
}
