/**
 * Dictionary of one journal: its `definitions` file, read as it grows.
 *
 * In: the file, in the primary place and then in the spill directory. Out: configuration, writer, instruments, series.
 * Invariant: whatever a data frame refers to was written before that frame, so `refresh` before use finds it.
 * On failure: what does not fit its shape is left out; rows that refer to it are counted as dropped.
 */
import path from 'node:path';
import type { Attributes } from '@opentelemetry/api';
import { closeSync, fstatSync, openExisting } from '../tree/files.ts';
import { decodeAttributes } from './attributes.ts';
import {
  readDefinitions,
  readJournalDefinition,
  type InstrumentDefinition,
  type JournalDefinition,
} from './definitions.ts';
import { decodeJson, FrameType, PROTOCOL_VERSION, type Frame } from './frame.ts';
import { DEFINITIONS_FILE, type JournalPlaces } from './places.ts';
import { scan } from './chunk.ts';
import { readAt } from './reader.ts';

export interface DefinedSeries {
  readonly instrument: InstrumentDefinition;
  readonly attributes: Attributes;
}

export class Dictionary {
  readonly #places: JournalPlaces;
  #offset = 0;
  #spillOffset = 0;
  #definition: JournalDefinition | undefined;
  readonly #instruments = new Map<number, InstrumentDefinition>();
  readonly #series = new Map<number, DefinedSeries>();
  readonly #undefined = new Set<number>();

  constructor(places: JournalPlaces) {
    this.#places = places;
    this.refresh();
  }

  /** `undefined` where the journal has no readable first frame. */
  get definition(): JournalDefinition | undefined {
    return this.#definition;
  }

  /** What is not found once, although its rows have been read, was never defined: it is not looked for again. */
  series(id: number): DefinedSeries | undefined {
    const known = this.#series.get(id);
    if (known !== undefined || this.#undefined.has(id)) return known;
    this.refresh();
    const found = this.#series.get(id);
    if (found === undefined) this.#undefined.add(id);
    return found;
  }

  /** Reads what has been defined since the last time. */
  refresh(): void {
    this.#offset = this.#readFrom(this.#places.primary, this.#offset);
    if (this.#places.spill !== undefined) {
      this.#spillOffset = this.#readFrom(this.#places.spill, this.#spillOffset);
    }
  }

  #readFrom(directory: string, offset: number): number {
    const file = openExisting(path.join(directory, DEFINITIONS_FILE));
    if (file === undefined) return offset;
    try {
      const length = fstatSync(file).size - offset;
      if (length <= 0) return offset;
      const { frames, to } = scan(readAt(file, offset, length), { segment: 0, offset }, '', false);
      for (const frame of frames) this.#add(frame);
      return to.offset;
    } finally {
      closeSync(file);
    }
  }

  #add(frame: Frame): void {
    if (frame.version !== PROTOCOL_VERSION) return;
    if (frame.type === FrameType.JOURNAL) {
      this.#definition ??= readJournalDefinition(decodeJson(frame));
    } else if (frame.type === FrameType.DEFINITIONS) {
      const { instruments, series } = readDefinitions(decodeJson(frame));
      for (const instrument of instruments) this.#instruments.set(instrument.id, instrument);
      for (const { id, instrument, attributes } of series) {
        const defined = this.#instruments.get(instrument);
        if (defined === undefined) continue;
        this.#series.set(id, { instrument: defined, attributes: decodeAttributes(attributes) });
      }
    }
  }
}
