/**
 * Checkpoint: positions, accounts and the signal's state of one configuration, replaced atomically after each cycle.
 *
 * Invariant: positions and aggregates always belong together: what lies before a position is in the aggregates, was
 * exported, or was dropped and counted. On failure to write: the cycle is repeated from the last checkpoint.
 */
import path from 'node:path';
import type { ResourceDescriptor } from '../exporters/exporter.ts';
import { closeSync, openExisting, readFileSync, replaceFile } from '../tree/files.ts';
import { decodeJson, encodeFrame, padded, type FrameType } from '../journal/frame.ts';
import { scan } from '../journal/chunk.ts';
import type { JournalAccountState } from './account.ts';
import type { JournalState } from './tailed-journal.ts';

const CHECKPOINT = 34;

export interface Retired {
  readonly writers: number;
  readonly account: JournalAccountState;
}

/** Members of the signal's own lie beside these. */
export interface Checkpoint {
  /** Of the last plan that was carried out. */
  readonly sequence: number;
  readonly journals: readonly JournalState[];
  /** Journals that were deleted, summed up. */
  readonly retired: Retired;
  /** Requests by what became of them. */
  readonly requests?: Readonly<Record<string, number>>;
  /** Resources of processes, by key. */
  readonly resources: Readonly<Record<string, ResourceDescriptor>>;
}

export function readCheckpoint(directory: string): Checkpoint | undefined {
  const file = openExisting(path.join(directory, 'checkpoint'));
  if (file === undefined) return undefined;
  const bytes = new Uint8Array(readFileSync(file));
  closeSync(file);
  const [frame] = scan(bytes, { segment: 0, offset: 0 }, '', true).frames;
  if (frame === undefined || frame.type !== CHECKPOINT) return undefined;
  return decodeJson(frame) as Checkpoint | undefined;
}

/** `signal` is a JSON object already: its members are most of the text, and most of it never changes. */
export function writeCheckpoint(directory: string, checkpoint: Checkpoint, signal: string): void {
  const rest = JSON.stringify(checkpoint);
  const text = Buffer.from(`${rest.slice(0, -1)},${signal.slice(1)}`);
  const payload = new Uint8Array(padded(text.length)).fill(0x20);
  payload.set(text);
  const type = CHECKPOINT as FrameType;
  const frame = encodeFrame({ type, sequence: checkpoint.sequence, rows: 0, units: 0 }, payload);
  replaceFile(path.join(directory, 'checkpoint'), frame);
}
