/**
 * Resuming a journal whose writer is gone, by another process that writes it on: where its files end.
 *
 * In: the files of a journal. Out: what `JournalWriter` needs to go on behind them.
 * Invariant: the last frame is the one that readers take for the last, once the next segment has begun.
 * On failure: throws what the system answers.
 */
import path from 'node:path';
import { closeSync, fstatSync, namesIn, openExisting, readFileSync, statSync } from '../tree/files.ts';
import { DEFINITIONS_FILE, type JournalPlaces } from './places.ts';
import { FIRST, scan } from './chunk.ts';
import type { Resumption, Segment } from './writer.ts';

const SEGMENT = /^(\d{8,10})\.segment$/;

export function resume(places: JournalPlaces): Resumption {
  const found = new Map<number, Segment>();
  for (const spilled of [false, true]) {
    const directory = spilled ? places.spill : places.primary;
    for (const name of directory === undefined ? [] : namesIn(directory)) {
      const [, number] = SEGMENT.exec(name) ?? [];
      if (directory === undefined || number === undefined) continue;
      const file = path.join(directory, name);
      found.set(Number(number), { file, spilled, bytes: statSync(file).size });
    }
  }
  const numbers = [...found.keys()].toSorted((a, b) => a - b);
  const segments = numbers.flatMap((number) => found.get(number) ?? []);
  const spilled = places.spill === undefined ? undefined : wholeBytes(places.spill);
  return {
    segments,
    number: numbers.at(-1) ?? 0,
    sequence: lastSequence(segments, places.id),
    definitions: {
      file: path.join(
        spilled === undefined ? places.primary : (places.spill ?? places.primary),
        DEFINITIONS_FILE,
      ),
      spilled: spilled !== undefined,
      bytes: spilled ?? wholeBytes(places.primary) ?? 0,
    },
    formerDefinitionsBytes: spilled === undefined ? 0 : (wholeBytes(places.primary) ?? 0),
  };
}

/** Bytes of the whole frames of the definitions in one place; `undefined` where there are none. */
function wholeBytes(directory: string): number | undefined {
  const bytes = readWhole(path.join(directory, DEFINITIONS_FILE));
  return bytes === undefined ? undefined : scan(bytes, FIRST, '', false).to.offset;
}

/** Of a frame that is whole, in the last segment that has one. */
function lastSequence(segments: readonly Segment[], id: string): number {
  for (const { file } of segments.toReversed()) {
    const { frames } = scan(readWhole(file) ?? new Uint8Array(0), FIRST, id, true);
    const last = frames.reduce((greatest, { sequence }) => Math.max(greatest, sequence), 0);
    if (last > 0) return last;
  }
  return 0;
}

function readWhole(name: string): Uint8Array | undefined {
  const file = openExisting(name);
  if (file === undefined) return undefined;
  try {
    return fstatSync(file).size === 0 ? new Uint8Array(0) : new Uint8Array(readFileSync(file));
  } finally {
    closeSync(file);
  }
}
