/**
 * Plan: what a cycle is about to do, on disk before its first request leaves.
 *
 * A cycle executes its plan from the state of the last checkpoint. After a kill the plan is executed again and gives
 * the same requests, byte for byte; those that were settled are not sent again.
 *
 *   plan file:  PLAN frame │ SENT or SETTLED frames, one per event, appended
 *
 * On failure: a plan that cannot be written stops the cycle before anything leaves; a torn last event is ignored, its
 * request counts as sent and unanswered.
 */
import path from 'node:path';
import { closeSync, openForRead, openSync, readFileSync, replaceFile, writeSync } from '../journal/files.ts';
import { decodeJson, encodeJsonFrame, type FrameType } from '../journal/frame.ts';
import { scan, type Position } from '../journal/reader.ts';
import type { Close } from '../resample/windows.ts';

const PLAN = 32;
const EVENT = 33;

export interface PlannedRange {
  readonly journal: string;
  readonly from: Position;
  readonly to: Position;
  /** The journal ends with this range: what its writer held of up-down counters is retracted. */
  readonly ends: boolean;
}

export interface Plan {
  /** That of the last checkpoint, plus one. */
  readonly sequence: number;
  readonly close: PlannedClose;
  readonly ranges: readonly PlannedRange[];
  /** Processes that are gone: their series are sent for the last time. */
  readonly endingResources: readonly string[];
}

/** JSON has no Infinity: `null` closes every window. */
export interface PlannedClose extends Omit<Close, 'untilMillis'> {
  readonly untilMillis: number | null;
}

/** What became of a request, or of a half of it: `request` is `3`, then `3.0` and `3.1` where it had to be split. */
export interface PlanEvent {
  readonly request: string;
  readonly what: 'sent' | 'refused' | 'accepted' | 'rejected' | 'split';
  readonly rejectedPoints?: number;
}

const header = (type: number, sequence: number) => ({ type: type as FrameType, sequence, rows: 0, units: 0 });

export class PlanLog {
  readonly #path: string;
  #file: number | undefined;
  readonly #events = new Map<string, PlanEvent>();

  constructor(directory: string) {
    this.#path = path.join(directory, 'plan');
  }

  /** The plan on disk, with its events: unfinished if its sequence is beyond the checkpoint's. */
  load(): Plan | undefined {
    const file = openForRead(this.#path);
    if (file === undefined) return undefined;
    const bytes = new Uint8Array(readFileSync(file));
    closeSync(file);
    let plan: Plan | undefined;
    for (const frame of scan(bytes, { segment: 0, offset: 0 }, '', true).frames) {
      const value = decodeJson(frame);
      if (frame.type === PLAN) plan = value as Plan;
      else if (frame.type === EVENT) this.#remember(value as PlanEvent);
    }
    if (plan !== undefined) this.#file = openSync(this.#path, 'a');
    return plan;
  }

  begin(plan: Plan): void {
    this.close();
    this.#events.clear();
    replaceFile(this.#path, encodeJsonFrame(header(PLAN, plan.sequence), plan));
    this.#file = openSync(this.#path, 'a');
  }

  record(event: PlanEvent): void {
    this.#remember(event);
    if (this.#file !== undefined) writeSync(this.#file, encodeJsonFrame(header(EVENT, 0), event));
  }

  /** The last that is known of a request. */
  event(request: string): PlanEvent | undefined {
    return this.#events.get(request);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #remember(event: PlanEvent): void {
    this.#events.set(event.request, event);
  }
}
