/**
 * One journal that a client sends: definitions and frames, as they come, into files that pipelines read like any others.
 *
 * In: whole frames. Out: the same frames in a journal of this tree, in segments of its own.
 * Invariant: its files say how far it is; a frame that is there already, by its sequence number, is not written again.
 * On failure: throws `Refused`; what was written whole before stays.
 */
import { resolveBudget } from '../budget.ts';
import { FrameType, HEADER_BYTES, type Frame } from '../journal/frame.ts';
import { journalPlaces, type JournalPlaces } from '../journal/places.ts';
import { FIRST, scan } from '../journal/chunk.ts';
import { resume } from '../journal/resume.ts';
import { JournalWriter } from '../journal/writer.ts';
import { existsSync } from '../tree/files.ts';
import { spillDirectoryFor } from '../tree/trees.ts';
import { Refusal } from './messages.ts';

/** Why a connection ends that carried this. */
export class Refused extends Error {
  readonly reason: Refusal;

  constructor(reason: Refusal, message: string) {
    super(message);
    this.reason = reason;
  }
}

export class RemoteJournal {
  readonly #places: JournalPlaces;
  readonly #tree: string;
  #writer: JournalWriter | undefined;
  /** Of the last frame that is in its files. */
  sequence: number;

  /** `after`: frames up to this number are elsewhere already. */
  constructor(tree: string, id: string, after: number) {
    this.#tree = tree;
    this.#places = journalPlaces(tree, spillDirectoryFor(tree), id);
    this.sequence = after;
    if (!existsSync(this.#places.primary)) return;
    const resumption = resume(this.#places);
    this.#writer = new JournalWriter(this.#places, resumption, resolveBudget({}, tree));
    this.sequence = Math.max(after, resumption.sequence);
  }

  get definitionsBytes(): number {
    return this.#writer?.definitionsBytes ?? 0;
  }

  /** Appends definitions, from where they end here. `prepare` is called before the journal appears. */
  define(offset: number, bytes: Uint8Array, prepare: () => void): void {
    if (offset !== this.definitionsBytes) {
      throw protocol(`definitions at ${offset}, expected at ${this.definitionsBytes}`);
    }
    const frames = wholeFrames(bytes);
    if (frames.some(({ type }) => type > FrameType.DEFINITIONS))
      throw protocol('a frame that defines nothing');
    let rest = bytes;
    if (this.#writer === undefined) {
      const [first] = frames;
      // What it says may be for a later version of this server: it is kept, and not refused again and again.
      if (first?.type !== FrameType.JOURNAL) throw protocol('definitions without that of the journal itself');
      const length = HEADER_BYTES + first.payload.length;
      prepare();
      this.#create(bytes.subarray(0, length));
      rest = bytes.subarray(length);
    }
    if (rest.length > 0 && this.#writer?.define(rest) !== true) throw noRoom();
  }

  /** Appends the frames that are not there yet. */
  append(bytes: Uint8Array): void {
    if (this.#writer === undefined) throw protocol('frames of a journal that is not defined');
    const frames = wholeFrames(bytes).filter(({ sequence }) => sequence > this.sequence);
    const [first] = frames;
    if (first === undefined) return;
    if (frames.some(({ type }) => type <= FrameType.SEGMENT))
      throw protocol('a frame that segments cannot hold');
    const fresh = bytes.subarray(first.payload.byteOffset - HEADER_BYTES - bytes.byteOffset);
    if (!this.#writer.append(fresh, fresh.length)) throw noRoom();
    this.sequence = frames.reduce((last, { sequence }) => Math.max(last, sequence), this.sequence);
  }

  close(): void {
    this.#writer?.close();
  }

  #create(first: Uint8Array): void {
    try {
      this.#writer = new JournalWriter(this.#places, first, resolveBudget({}, this.#tree));
    } catch {
      throw noRoom();
    }
  }
}

/** Frames without anything between them. */
function wholeFrames(bytes: Uint8Array): readonly Frame[] {
  const { frames } = scan(bytes, FIRST, '', true);
  const whole = frames.reduce((sum, { payload }) => sum + HEADER_BYTES + payload.length, 0);
  if (whole !== bytes.length) throw protocol(`${bytes.length - whole} bytes that are no frames of a journal`);
  return frames;
}

/** The error for a client that does not follow `LINK.md`. */
export function protocol(what: string): Refused {
  return new Refused(Refusal.PROTOCOL, what);
}

function noRoom(): Refused {
  return new Refused(Refusal.ROOM, 'the server has no room for more at the moment');
}
