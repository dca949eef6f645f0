/**
 * Collection: the journals of one configuration, and what one cycle reads of them.
 *
 * In: journals. Out: ranges for a plan, with their frames.
 * Invariant: reading is fair (each journal has its turn, another one is first in each cycle) and bounded; a range of a plan
 * that a killed server left gives the same frames again.
 */
import type { ResourceDescriptor } from '../exporters/exporter.ts';
import { ChunkMemory } from '../journal/chunk-memory.ts';
import { FrameType } from '../journal/frame.ts';
import type { Chunk, Position } from '../journal/chunk.ts';
import { JournalAccount } from './account.ts';
import type { Retired } from './checkpoint.ts';
import type { PlannedRange } from './plan.ts';
import type { JournalState, TailedJournal } from './tailed-journal.ts';

/** Journal bytes of one cycle at most: what is in memory at a time, and what is sent again after a kill. */
const CYCLE_BYTES = 8 * 1024 * 1024;
/** One journal's share before the next one has its turn. */
const TURN_BYTES = 1024 * 1024;

/** A range of a plan, together with what was read of it. */
export interface PlannedJournal {
  readonly range: PlannedRange;
  /** `undefined` where somebody removed the journal of a plan. */
  readonly journal: TailedJournal | undefined;
  readonly chunks: Iterable<Chunk>;
}

interface Reading {
  readonly journal: TailedJournal;
  readonly from: Position;
  readonly chunks: Chunk[];
}

export class Collection {
  readonly #journals = new Map<string, TailedJournal>();
  readonly #resources = new Map<string, ResourceDescriptor>();
  readonly #retired: JournalAccount;
  #retiredWriters: number;
  #rotation = 0;
  readonly #memory = new ChunkMemory();
  /** Whether the last cycle left something behind because it was full. */
  isBehind = false;

  constructor(retired: Retired | undefined) {
    this.#retired = new JournalAccount(retired?.account);
    this.#retiredWriters = retired?.writers ?? 0;
  }

  add(journal: TailedJournal): void {
    journal.resource = this.resource(journal.resourceKey, journal.resource);
    this.#journals.set(journal.id, journal);
  }

  get journals(): Iterable<TailedJournal> {
    return this.#journals.values();
  }

  get size(): number {
    return this.#journals.size;
  }

  get pendingBytes(): number {
    let bytes = 0;
    for (const { reader, position } of this.#journals.values()) bytes += reader.pendingBytes(position);
    return bytes;
  }

  /** The account of a journal; that of all retired ones where it is gone. */
  accountOf(journal: string): JournalAccount {
    return this.#journals.get(journal)?.account ?? this.#retired;
  }

  /** The accounts of all writers so far, summed up. */
  get total(): JournalAccount {
    const total = new JournalAccount(this.#retired.state);
    for (const { account } of this.#journals.values()) total.include(account);
    return total;
  }

  /** One object per process, whoever asks first. */
  resource(key: string, resource: ResourceDescriptor): ResourceDescriptor {
    const known = this.#resources.get(key);
    if (known !== undefined) return known;
    this.#resources.set(key, resource);
    return resource;
  }

  /** Remembers what is there now; the answer says whether all of it has been read since. */
  mark(): () => boolean {
    const ends = [...this.#journals.values()].map(
      (journal) => [journal, journal.readBytes + journal.reader.bytesBehind(journal.position)] as const,
    );
    return () => ends.every(([journal, bytes]) => journal.ended || journal.readBytes >= bytes);
  }

  /**
   * Reads on in every journal, each in its turn, until all is read or the cycle is full. What an earlier call has given out
   * holds no longer.
   */
  collect(): PlannedJournal[] {
    this.#memory.reset();
    const waiting = [...this.#journals.values()].map((journal): Reading => ({
      journal,
      from: journal.position,
      chunks: [],
    }));
    this.#rotation = waiting.length === 0 ? 0 : (this.#rotation + 1) % waiting.length;
    waiting.push(...waiting.splice(0, this.#rotation));
    const planned: PlannedJournal[] = [];
    for (let bytes = 0; waiting.length > 0 && bytes < CYCLE_BYTES;) {
      const reading = waiting.shift() as Reading;
      const chunk = reading.journal.read(TURN_BYTES, this.#memory);
      if (chunk === undefined) {
        const ends = reading.journal.isFinal || saysGoodbye(reading);
        if (ends || reading.chunks.length > 0) planned.push(plannedOf(reading, ends));
        continue;
      }
      reading.chunks.push(chunk);
      const { from, to } = chunk;
      const chunkBytes = to.offset - (from.segment === to.segment ? from.offset : 0);
      reading.journal.position = to;
      reading.journal.readBytes += chunkBytes;
      bytes += chunkBytes;
      waiting.push(reading);
    }
    this.isBehind = waiting.length > 0;
    for (const reading of waiting) if (reading.chunks.length > 0) planned.push(plannedOf(reading, false));
    return planned;
  }

  /** The same frames again, for a plan that a killed server left. */
  readAgain(range: PlannedRange): PlannedJournal {
    const journal = this.#journals.get(range.journal);
    if (journal === undefined) return { range, journal, chunks: [] };
    journal.position = range.to;
    return { range, journal, chunks: journal.reader.readRange(range.from, range.to) };
  }

  /** Processes of which no journal goes on after these ranges. */
  endingResources(ranges: readonly PlannedRange[]): string[] {
    const ending = new Set(ranges.filter(({ ends }) => ends).map(({ journal }) => journal));
    const all = [...this.#journals.values()];
    const goOn = new Set(all.filter(({ id }) => !ending.has(id)).map(({ resourceKey }) => resourceKey));
    return [...new Set(all.map(({ resourceKey }) => resourceKey))].filter((key) => !goOn.has(key));
  }

  /** Whether nobody goes on after these ranges: then nothing more comes into any window. */
  allEnd(ranges: readonly PlannedRange[]): boolean {
    return ranges.filter(({ ends }) => ends).length === this.#journals.size;
  }

  /** Takes the journals out that have ended; their counts stay. */
  retire(): TailedJournal[] {
    const ended = [...this.#journals.values()].filter((journal) => journal.ended);
    for (const journal of ended) {
      journal.reader.close();
      this.#journals.delete(journal.id);
      this.#retiredWriters++;
      this.#retired.include(journal.account);
    }
    return ended;
  }

  forget(resourceKey: string): void {
    this.#resources.delete(resourceKey);
  }

  /** For the checkpoint: ended journals included, as their files are deleted only after it, and `others` as they are. */
  state(
    ended: readonly TailedJournal[],
    others: readonly JournalState[],
  ): {
    journals: JournalState[];
    retired: Retired;
    resources: Record<string, ResourceDescriptor>;
  } {
    return {
      journals: [...[...this.#journals.values(), ...ended].map(({ state }) => state), ...others],
      retired: { writers: this.#retiredWriters, account: this.#retired.state },
      resources: Object.fromEntries(this.#resources),
    };
  }
}

function plannedOf({ journal, from, chunks }: Reading, ends: boolean): PlannedJournal {
  const { id, position: to, endedAtMillis } = journal;
  const range = { journal: id, from, to, ends, ...(ends ? { endedAtMillis } : {}) };
  return { range, journal, chunks };
}

/** After its goodbye a writer writes no more, so the journal ends in the same cycle. */
function saysGoodbye({ journal, chunks }: Reading): boolean {
  const last = chunks.at(-1);
  if (journal.isRemote || last === undefined || last.length === 0) return false;
  return last.frameAt(last.length - 1).type === FrameType.GOODBYE;
}
