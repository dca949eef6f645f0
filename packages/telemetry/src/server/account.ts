/**
 * Accounts: recorded = exported + merged + journaled + dropped{reason}, per writer and configuration, in units (one call
 * of `record` or `add`, one operation). Duplicated is counted beside the sum.
 */
import { decodeJson, type Frame } from '../journal/frame.ts';

export interface Account {
  readonly recorded: number;
  /** Raw samples and operations that the exporter accepted. */
  readonly exported: number;
  /** Calls that another point represents: sums, histograms, and samples that a resampling left out. */
  readonly merged: number;
  /** In the journal, or held in an open window: neither exported nor lost. */
  readonly journaled: number;
  readonly dropped: Readonly<Record<string, number>>;
  /** Units sent again because the answer to the first request never came. */
  readonly duplicated: number;
  /** Units whose attributes are beyond a cardinality limit: they are in the sum above, in the series of the overflow. */
  readonly overflowed: number;
}

/** What the server has counted for one journal so far; part of the checkpoint. */
export class JournalAccount {
  received = 0;
  exported = 0;
  merged = 0;
  duplicated = 0;
  overflowed = 0;
  /** Bytes of the journal that were no frames. */
  corruptBytes = 0;
  /** By the server. */
  readonly dropped: Record<string, number>;
  /** By the writer: the last account that it wrote, cumulative. */
  writerDropped: Readonly<Record<string, number>>;

  constructor(state?: JournalAccountState) {
    this.dropped = { ...state?.dropped };
    this.writerDropped = state?.writerDropped ?? {};
    if (state === undefined) return;
    this.received = state.received;
    this.exported = state.exported;
    this.merged = state.merged;
    this.duplicated = state.duplicated;
    this.overflowed = state.overflowed;
    this.corruptBytes = state.corruptBytes;
  }

  /** Takes in an account frame; what is no count is left out, as it may be anything. */
  readFrame(frame: Frame): void {
    const { dropped } = (decodeJson(frame) ?? {}) as { dropped?: unknown };
    if (typeof dropped !== 'object' || dropped === null) return;
    this.writerDropped = Object.fromEntries(
      Object.entries(dropped).filter(([, count]) => Number.isSafeInteger(count) && count > 0),
    );
  }

  drop(reason: string, units: number): void {
    if (units > 0) this.dropped[reason] = (this.dropped[reason] ?? 0) + units;
  }

  /** Takes over the counts of a journal that is deleted. */
  include(other: JournalAccount): void {
    this.received += other.received;
    this.exported += other.exported;
    this.merged += other.merged;
    this.duplicated += other.duplicated;
    this.overflowed += other.overflowed;
    this.corruptBytes += other.corruptBytes;
    for (const [reason, units] of Object.entries(other.dropped)) this.drop(reason, units);
    this.writerDropped = addCounts(this.writerDropped, other.writerDropped);
  }

  /** `unread` is what lies in the journal behind the position, `held` what waits in open windows. */
  total(unread: number, held: number): Account {
    const dropped = addCounts(this.dropped, this.writerDropped);
    return {
      recorded: this.received + unread + sum(this.writerDropped),
      exported: this.exported,
      merged: this.merged,
      journaled: held + unread,
      dropped,
      duplicated: this.duplicated,
      overflowed: this.overflowed,
    };
  }

  get state(): JournalAccountState {
    const { received, exported, merged, duplicated, overflowed, corruptBytes, writerDropped } = this;
    const dropped = { ...this.dropped };
    return { received, exported, merged, duplicated, overflowed, corruptBytes, dropped, writerDropped };
  }
}

export interface JournalAccountState {
  readonly received: number;
  readonly exported: number;
  readonly merged: number;
  readonly duplicated: number;
  readonly overflowed: number;
  readonly corruptBytes: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly writerDropped: Readonly<Record<string, number>>;
}

export const EMPTY_ACCOUNT: Account = {
  recorded: 0,
  exported: 0,
  merged: 0,
  journaled: 0,
  dropped: {},
  duplicated: 0,
  overflowed: 0,
};

export function addAccounts(a: Account, b: Account): Account {
  return {
    recorded: a.recorded + b.recorded,
    exported: a.exported + b.exported,
    merged: a.merged + b.merged,
    journaled: a.journaled + b.journaled,
    dropped: addCounts(a.dropped, b.dropped),
    duplicated: a.duplicated + b.duplicated,
    overflowed: a.overflowed + b.overflowed,
  };
}

/** Whether every recorded unit is somewhere. */
export function isBalanced({ recorded, exported, merged, journaled, dropped }: Account): boolean {
  return recorded === exported + merged + journaled + sum(dropped);
}

function addCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const counts = { ...a };
  for (const [reason, count] of Object.entries(b)) counts[reason] = (counts[reason] ?? 0) + count;
  return counts;
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
