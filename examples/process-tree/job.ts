import type { MetricsOptions } from '@multistorageclient/telemetry';

/** What a process or thread is to do; JSON, as the argument of `worker.ts`. */
export interface Job {
  /** Names it in the tally. */
  readonly role: string;
  readonly config: MetricsOptions;
  /** JSON: the files to work on. */
  readonly list: string;
  /** Where in the list to begin, as a share of it. */
  readonly from: number;
  /** `null`: until it is killed. JSON has no Infinity. */
  readonly operations: number | null;
  /** For copies; its own. */
  readonly scratch: string;
  readonly tallies: string;
  /** By `process.exit()`, in the turn of its last operation. */
  readonly exits: boolean;
  /** For a worker thread of its own. */
  readonly thread?: Job;
}
