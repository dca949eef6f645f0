/**
 * Names of the files of a journal, and the two places they may lie in.
 *
 * A journal is one directory, `<tree>/journals/<id>`, mirrored under the tree's spill directory on disk when memory runs
 * short. Segments are numbered from 1 and each lies in exactly one of the two; `rescue` holds what the main thread
 * saved of a worker thread that was terminated.
 */
import path from 'node:path';
import { existsSync } from '../tree/files.ts';

export const DEFINITIONS_FILE = 'definitions';
export const RESCUE_FILE = 'rescue';
/** Comes after every segment. */
export const RESCUE_SEGMENT = 0xffff_ffff;

export interface JournalPlaces {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly primary: string;
  readonly spill: string | undefined;
}

export function journalsDirectory(tree: string): string {
  return path.join(tree, 'journals');
}

export function journalPlaces(tree: string, spill: string | undefined, id: string): JournalPlaces {
  return {
    id,
    primary: path.join(journalsDirectory(tree), id),
    spill: spill === undefined ? undefined : path.join(spill, id),
  };
}

/** The tree that a journal belongs to. */
export function treeOf({ primary }: JournalPlaces): string {
  return path.dirname(path.dirname(primary));
}

export function segmentFile(segment: number): string {
  return segment === RESCUE_SEGMENT ? RESCUE_FILE : `${String(segment).padStart(8, '0')}.segment`;
}

/** Where a segment lies, or `undefined` where it does not exist (yet, or any more). */
export function findSegment(places: JournalPlaces, segment: number): string | undefined {
  const name = segmentFile(segment);
  const primary = path.join(places.primary, name);
  if (existsSync(primary)) return primary;
  if (places.spill === undefined) return undefined;
  const spilled = path.join(places.spill, name);
  return existsSync(spilled) ? spilled : undefined;
}
