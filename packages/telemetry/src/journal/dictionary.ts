/**
 * Dictionary of one journal: its `definitions` file, read as it grows.
 *
 * In: the file, in the primary place and then in the spill directory. Out: configuration, writer, instruments, series.
 * Invariant: whatever a data frame refers to was written before that frame, so `refresh` before use finds it.
 * On failure: what does not fit its shape is left out; rows that refer to it are counted as dropped.
 */
import path from 'node:path';
import type { Attributes } from '@opentelemetry/api';
import { closeSync, fstatSync, openForRead } from './files.ts';
import { decodeAttributes, type EncodedAttributes } from './attributes.ts';
import type { Definitions, InstrumentDefinition, JournalDefinition } from './definitions.ts';
import { decodeJson, FrameType, type Frame } from './frame.ts';
import { DEFINITIONS_FILE, type JournalPlaces } from './places.ts';
import { readAt, scan } from './reader.ts';

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

  constructor(places: JournalPlaces) {
    this.#places = places;
    this.refresh();
  }

  /** `undefined` where the journal has no readable first frame. */
  get definition(): JournalDefinition | undefined {
    return this.#definition;
  }

  series(id: number): DefinedSeries | undefined {
    const known = this.#series.get(id);
    if (known !== undefined) return known;
    this.refresh();
    return this.#series.get(id);
  }

  /** Reads what has been defined since the last time. */
  refresh(): void {
    this.#offset = this.#readFrom(this.#places.primary, this.#offset);
    if (this.#places.spill !== undefined) {
      this.#spillOffset = this.#readFrom(this.#places.spill, this.#spillOffset);
    }
  }

  #readFrom(directory: string, offset: number): number {
    const file = openForRead(path.join(directory, DEFINITIONS_FILE));
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
    const value = decodeJson(frame);
    if (typeof value !== 'object' || value === null) return;
    if (frame.type === FrameType.JOURNAL) {
      if (isJournalDefinition(value)) this.#definition ??= value;
    } else if (frame.type === FrameType.DEFINITIONS) {
      const { instruments, series } = value as Definitions;
      for (const instrument of listOf(instruments)) this.#instruments.set(instrument.id, instrument);
      for (const { id, instrument, attributes } of listOf(series)) {
        const defined = this.#instruments.get(instrument);
        if (defined === undefined || !isPairs(attributes)) continue;
        this.#series.set(id, { instrument: defined, attributes: decodeAttributes(attributes) });
      }
    }
  }
}

function isJournalDefinition(value: object): value is JournalDefinition {
  const { writer, configuration } = value as Partial<JournalDefinition>;
  return typeof writer?.process?.pid === 'number' && typeof configuration?.exporter?.type === 'string';
}

function listOf<T>(value: readonly T[] | undefined): readonly T[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'object' && entry !== null) : [];
}

function isPairs(value: unknown): value is EncodedAttributes {
  return Array.isArray(value) && value.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string');
}
