/** What a summary consists of, and how series come together in it. */
import { distributionOf, type Distribution, type Samples } from './samples.ts';

/** Operations of one thread with one kind and status. */
export interface SeriesSummary {
  readonly provider: string;
  readonly operation: string;
  readonly status: string;
  /** Where the operations carry `process.pid` and `thread.id`. */
  readonly pid: number | undefined;
  readonly threadId: number | undefined;
  /** Ended operations, exactly. */
  readonly count: number;
  /** Raw latencies among them: fewer where a resampling or a budget left some out. */
  readonly samples: number;
  readonly bytes: number;
}

export interface OperationSummary {
  readonly provider: string;
  readonly operation: string;
  readonly status: string;
  readonly count: number;
  readonly samples: number;
  readonly perSecond: number;
  readonly bytes: number;
  readonly bytesPerSecond: number;
  readonly latencySeconds: Distribution;
}

export interface ThreadSummary {
  readonly threadId: number | undefined;
  readonly count: number;
  readonly errors: number;
  readonly bytes: number;
  readonly latencySeconds: Distribution;
}

export interface ProcessSummary extends Omit<ThreadSummary, 'threadId'> {
  readonly pid: number | undefined;
  /** Only where there is more than one. */
  readonly threads?: readonly ThreadSummary[];
}

export interface SlowOperation {
  readonly operation: string;
  readonly status: string;
  readonly pid: number | undefined;
  readonly threadId: number | undefined;
  readonly latencySeconds: number;
  /** From the start of the first operation to the start of this one. */
  readonly startSeconds: number;
}

export interface StorageSummary {
  /** Of the program where that is known, else from the first operation's start to the last one's end. */
  readonly wallSeconds: number;
  /** Latencies of all operations together; more than the wall time where operations overlap. */
  readonly storageSeconds: number;
  readonly operations: readonly OperationSummary[];
  readonly processes: readonly ProcessSummary[];
  readonly slowest: readonly SlowOperation[];
  /** Operations that started and did not end: in flight, or lost with their process. */
  readonly unfinished: number;
}

/** What is collected of one series. */
export interface Series extends Omit<SeriesSummary, 'count' | 'samples' | 'bytes'> {
  readonly latencies: Samples;
  count: number;
  bytes: number;
}

/** By provider, kind and status. */
export function operationsOf(totals: readonly Series[], wallSeconds: number): OperationSummary[] {
  const groups = Map.groupBy(
    totals,
    ({ provider, operation, status }) => `${provider} ${operation} ${status}`,
  );
  return [...groups.values()].map((group) => {
    const [{ provider, operation, status }] = group;
    const { count, bytes, latencySeconds } = together(group);
    const samples = sum(group, ({ latencies }) => latencies.length);
    const [perSecond, bytesPerSecond] = [count / wallSeconds, bytes / wallSeconds];
    return {
      provider,
      operation,
      status,
      count,
      samples,
      perSecond,
      bytes,
      bytesPerSecond,
      latencySeconds,
    };
  });
}

/** By process, and by thread where a process has more than one. */
export function processesOf(totals: readonly Series[]): ProcessSummary[] {
  return [...Map.groupBy(totals, ({ pid }) => pid)]
    .map(([pid, group]) => {
      const threads = [...Map.groupBy(group, ({ threadId }) => threadId)]
        .map(([threadId, part]) => Object.assign({ threadId }, together(part)))
        .toSorted((a, b) => (a.threadId ?? 0) - (b.threadId ?? 0));
      return { pid, ...together(group), ...(threads.length > 1 ? { threads } : {}) };
    })
    .toSorted((a, b) => (a.pid ?? 0) - (b.pid ?? 0));
}

function together(group: readonly Series[]): Omit<ThreadSummary, 'threadId'> {
  return {
    count: sum(group, ({ count }) => count),
    errors: sum(group, ({ status, count }) => (status === 'success' ? 0 : count)),
    bytes: sum(group, ({ bytes }) => bytes),
    latencySeconds: distributionOf(group.map(({ latencies }) => latencies)),
  };
}

export function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
