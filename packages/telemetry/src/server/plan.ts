/**
 * Plan: what a cycle is about to do, on disk before its first request leaves.
 *
 * A cycle executes its plan from the state of the last checkpoint. After a kill the plan is executed again and gives
 * the same requests, byte for byte; those that were settled are not sent again.
 *
 *   plan file:  PLAN frame │ SENT or SETTLED frames, one per event, appended
 *
 * Invariant: nothing is ever appended behind a torn event, and the file does not grow with the length of an outage.
 * On failure: a plan that cannot be written stops the cycle before anything leaves; a torn last event is ignored, its
 * request counts as sent and unanswered.
 */
import path from 'node:path';
import type { ResourceDescriptor } from '../exporters/exporter.ts';
import { closeSync, openExisting, openSync, readFileSync, replaceFile } from '../tree/files.ts';
import { decodeJson, encodeJsonFrame, type FrameType } from '../journal/frame.ts';
import { scan, type Position } from '../journal/chunk.ts';
import { appendWhole } from '../journal/writer.ts';
import type { Close } from '../resample/windows.ts';
import type { SelfObservation } from './self-telemetry.ts';

const PLAN = 32;
const EVENT = 33;

export interface PlannedRange {
  readonly journal: string;
  readonly from: Position;
  readonly to: Position;
  /** The journal ends with this range: what its writer held of up-down counters is retracted. */
  readonly ends: boolean;
  /** When its writer died, as far as that is known. */
  readonly endedAtMillis?: number;
}

export interface Plan {
  /** That of the last checkpoint, plus one. */
  readonly sequence: number;
  readonly close: PlannedClose;
  readonly ranges: readonly PlannedRange[];
  /** Processes that are gone: their series are sent for the last time. */
  readonly endingResources: readonly string[];
  /** What the server says of itself; absent where it is not asked. */
  readonly self?: SelfObservation;
  /** The tree's, as it was then: the file that says it may have been replaced since. */
  readonly treeResource: ResourceDescriptor;
}

/** JSON has no Infinity: `null` closes every window. */
export interface PlannedClose extends Omit<Close, 'untilMillis'> {
  readonly untilMillis: number | null;
}

/** What became of a request, or of a half of it: `request` is `3`, then `3.0` and `3.1` where it had to be split. */
export interface PlanEvent {
  readonly request: string;
  readonly what: 'sent' | 'refused' | 'accepted' | 'rejected' | 'split';
  /** How often it had been sent before without an answer, so that it may have arrived. */
  readonly repeats: number;
  readonly rejectedPoints?: number;
}

/** A file that has grown so far is written anew, with the last event of each request. */
const MIN_REWRITE_BYTES = 1024 * 1024;

const header = (type: number, sequence: number) => ({ type: type as FrameType, sequence, rows: 0, units: 0 });

export class PlanLog {
  readonly #path: string;
  #plan: Plan | undefined;
  #file: number | undefined;
  #bytes = 0;
  #rewriteBytes = 0;
  readonly #events = new Map<string, PlanEvent>();

  constructor(directory: string) {
    this.#path = path.join(directory, 'plan');
  }

  /** The plan on disk, with its events: unfinished if its sequence is beyond the checkpoint's. */
  load(): Plan | undefined {
    const file = openExisting(this.#path);
    if (file === undefined) return undefined;
    const bytes = new Uint8Array(readFileSync(file));
    closeSync(file);
    for (const frame of scan(bytes, { segment: 0, offset: 0 }, '', false).frames) {
      const value = decodeJson(frame);
      if (frame.type === PLAN) this.#plan = value as Plan;
      else if (frame.type === EVENT) this.#remember(value as PlanEvent);
    }
    return this.#plan;
  }

  begin(plan: Plan): void {
    this.#plan = plan;
    this.#events.clear();
    this.#rewrite(plan);
  }

  /** Throws where there is no room. */
  record(event: PlanEvent): void {
    this.#remember(event);
    if (this.#plan === undefined) return;
    if (this.#file === undefined || this.#bytes > this.#rewriteBytes) return this.#rewrite(this.#plan);
    const frame = encodeJsonFrame(header(EVENT, 0), event);
    if (!appendWhole(this.#file, frame, frame.length, this.#bytes)) {
      throw new Error(`no room for an event in ${this.#path}`);
    }
    this.#bytes += frame.length;
  }

  /** The last that is known of a request. */
  event(request: string): PlanEvent | undefined {
    return this.#events.get(request);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #rewrite(plan: Plan): void {
    this.close();
    const frames = [encodeJsonFrame(header(PLAN, plan.sequence), plan)];
    for (const event of this.#events.values()) frames.push(encodeJsonFrame(header(EVENT, 0), event));
    const bytes = Buffer.concat(frames);
    replaceFile(this.#path, bytes);
    this.#file = openSync(this.#path, 'a');
    this.#bytes = bytes.length;
    this.#rewriteBytes = Math.max(MIN_REWRITE_BYTES, 2 * bytes.length);
  }

  #remember(event: PlanEvent): void {
    this.#events.set(event.request, event);
  }
}
