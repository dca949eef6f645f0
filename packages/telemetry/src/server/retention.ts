/**
 * Retention: the files of one journal that several pipelines read, deleted behind the slowest of them.
 *
 * In: what each reader has committed. Out: segments that are gone, at last the journal.
 * Invariant: nothing is deleted before every reader has committed it.
 * On failure: throws what the system answers; asking again tries again.
 */
import type { Position } from '../journal/chunk.ts';
import { JournalReader } from '../journal/reader.ts';
import type { JournalPlaces } from '../journal/places.ts';

/** All of the journal, which has ended. */
export const WHOLE = 'whole';

export class Retention {
  readonly #reader: JournalReader;
  readonly #readers: number;
  readonly #committed = new Map<object, Position | typeof WHOLE>();

  /** @param readers how many will commit. */
  constructor(places: JournalPlaces, readers: number) {
    this.#reader = new JournalReader(places);
    this.#readers = readers;
  }

  /** Notes how far one reader is done. Returns whether all that it is done with is deleted. */
  commit(reader: object, upTo: Position | typeof WHOLE): boolean {
    this.#committed.set(reader, upTo);
    if (this.#committed.size < this.#readers) return false;
    const positions = [...this.#committed.values()].filter((position) => position !== WHOLE);
    if (positions.length === 0) {
      this.#reader.deleteAll();
      return true;
    }
    this.#reader.deleteBefore(positions.reduce((a, b) => (b.segment < a.segment ? b : a)));
    return upTo !== WHOLE;
  }
}
