/** Default byte budgets of a journal. Memory-backed files are charged to the program's own cgroup: they stay small. */
import type { JournalBudget } from './journal/writer.ts';
import { freeBytes, memoryLimitBytes } from './tree/directory.ts';

const MIB = 1024 * 1024;

export interface BudgetOptions {
  /** Bytes of one segment file. Default 1 MiB; from 64 KiB. */
  readonly segmentMaxBytes?: number;
  /** Bytes that one writer keeps in the tree's directory. Default 64 MiB, a quarter of the free space, or 5 % of the memory limit, whichever is least. */
  readonly memoryMaxBytes?: number;
  /** Bytes that one writer keeps in the spill directory on disk. Default 1 GiB. */
  readonly spillMaxBytes?: number;
}

export function resolveBudget(options: BudgetOptions, directory: string): JournalBudget {
  return Object.freeze({
    segmentMaxBytes: options.segmentMaxBytes ?? MIB,
    primaryMaxBytes:
      options.memoryMaxBytes ?? Math.min(64 * MIB, freeBytes(directory) / 4, memoryLimitBytes() * 0.05),
    spillMaxBytes: options.spillMaxBytes ?? 1024 * MIB,
  });
}
