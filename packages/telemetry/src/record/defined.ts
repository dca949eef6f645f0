/**
 * What one recorder has defined: instruments, series, and what becomes of operations that have to be dropped.
 *
 * In: definitions. Out: their ids, and frames in the journal's `definitions`, before their first use.
 * Invariant: an id has one meaning. On failure: definitions that find no room wait here, and with them all that may refer to
 * them (`writeAll` answers `false`).
 */
import type { EncodedAttributes } from '../journal/attributes.ts';
import type { InstrumentDefinition } from '../journal/definitions.ts';
import { encodeJsonFrame, FrameType } from '../journal/frame.ts';
import type { JournalWriter } from '../journal/writer.ts';
import type { Batch } from './batch.ts';
import { isOverflow } from './cardinality.ts';

export class Defined {
  /** Series of what lies beyond the cardinality limit. */
  readonly overflow: Set<number> = new Set();
  readonly #journal: JournalWriter;
  readonly #batch: Batch;
  readonly #unwritten: Uint8Array[] = [];
  #instruments = 0;
  #series = 0;

  /** `batch`: once it is closed, the journal belongs to another thread, or to nobody. */
  constructor(journal: JournalWriter, batch: Batch) {
    this.#journal = journal;
    this.#batch = batch;
  }

  instrument(instrument: Omit<InstrumentDefinition, 'id'>): number {
    const id = ++this.#instruments;
    this.#define({ instruments: [{ id, ...instrument }] });
    return id;
  }

  series(instrument: number, attributes: EncodedAttributes): number {
    const id = ++this.#series;
    if (isOverflow(attributes)) this.overflow.add(id);
    this.#define({ series: [{ id, instrument, attributes }] });
    return id;
  }

  /** Whether all of it is in the journal now. */
  writeAll(): boolean {
    while (this.#unwritten.length > 0) {
      if (!this.#journal.define(this.#unwritten[0])) return false;
      this.#unwritten.shift();
    }
    return true;
  }

  #define(definitions: object): void {
    if (this.#batch.isClosed) return;
    const header = { type: FrameType.DEFINITIONS, sequence: 0, rows: 1, units: 0 };
    this.#unwritten.push(encodeJsonFrame(header, definitions));
    this.writeAll();
  }
}
