/**
 * Signal: what a pipeline must know of metrics or traces to carry their records from the journal to an exporter.
 *
 * In: frames of journals, one at a time. Out: requests; state for the checkpoint.
 * Invariant: restored from a checkpoint and given the same frames again, an intake gives the same requests.
 * On failure: what a frame holds is counted, never thrown.
 */
import type { BatchExporter, ResourceDescriptor } from '../exporters/exporter.ts';
import type { Frame } from '../journal/frame.ts';
import type { Close } from '../resample/windows.ts';
import type { SelfObservation } from './self-telemetry.ts';
import type { TailedJournal } from './tailed-journal.ts';

/** What one request carries. */
export interface Request<Batch> {
  readonly batch: Batch;
  /** The journal of which each item of the batch, in its order, is a unit: its place in `journals`, or `NOBODY`. */
  readonly owners: Uint32Array;
  readonly journals: readonly string[];
  /** Gives its memory back, once: nothing of it may be used any more. */
  release?(): void;
}

/** Items that are no unit: totals, what is derived from an operation beside its latency, spans that were never ended. */
export const NOBODY = 0xffff_ffff;

/** Units by journal id: what is exported once the request is accepted. */
export function unitsOf({ owners, journals }: Request<unknown>): Map<string, number> {
  const counts = new Float64Array(journals.length);
  for (let from = 0; from < owners.length;) {
    const owner = owners[from];
    let to = from + 1;
    while (to < owners.length && owners[to] === owner) to++;
    if (owner !== NOBODY) counts[owner] += to - from;
    from = to;
  }
  return new Map(journals.map((journal, at) => [journal, counts[at]]));
}

/** Cuts requests of one kind of batch. The same request is cut the same way. */
export interface Splitter<Batch> {
  /** Two halves, for a backend that wants smaller requests. */
  halves(request: Request<Batch>): [Request<Batch>, Request<Batch>];
  /** One per resource, in their order, for an exporter that takes one at a time. */
  byResource(request: Request<Batch>): Request<Batch>[];
}

/** Ingest and resample of one signal: everything between the journal and the exporter. */
export interface Intake<Batch> {
  /** Requests that are full, in order. The cycle takes them out after each frame. */
  readonly sealed: Request<Batch>[];
  /** Whether a tick would have nothing to repeat. */
  readonly isEmpty: boolean;
  /** Whether anything waits for its window to close. */
  readonly hasOpenWindows: boolean;
  /** A JSON object: its members become members of the checkpoint. */
  readonly state: string;
  /** Takes in the rows of a frame. `false` where the frame contradicts itself or is of an unknown type. */
  frame(journal: TailedJournal, frame: Frame): boolean;
  /** Takes in what the server says of itself, as of now. Only metrics can. */
  observe?(observation: SelfObservation, close: Close): void;
  /** A journal ends here, at this epoch time of its writer's death. */
  end(journal: TailedJournal, close: Close, endedAtMillis: number): void;
  /** Closes windows and seals what is left. `ending` are the resources of processes that are gone. */
  finish(close: Close, ending: ReadonlySet<string>): void;
  /** Forgets a process that is gone. */
  forget(resourceKey: string): void;
}

/** What an intake is made with. */
export interface IntakeContext {
  readonly treeResource: ResourceDescriptor;
  /** Members of the checkpoint that an earlier intake's `state` had; nothing for the first. */
  readonly restored: object;
  /** The resource of a process; one object per key. */
  readonly resourceOf: (key: string) => ResourceDescriptor;
  readonly countMerged: (journal: string, units: number) => void;
}

/** One configuration's signal. */
export interface Signal<Batch> {
  /** Windows close at multiples of it. */
  readonly collectIntervalMillis: number;
  readonly exportIntervalMillis: number;
  /** Milliseconds that one request may take. */
  readonly exportTimeoutMillis: number;
  readonly splitter: Splitter<Batch>;
  /** @throws TelemetryError `MSC_EXPORTER_UNUSABLE`. */
  loadExporter(): Promise<BatchExporter<Batch>>;
  /** Called once, after `loadExporter`. */
  createIntake(context: IntakeContext): Intake<Batch>;
}
