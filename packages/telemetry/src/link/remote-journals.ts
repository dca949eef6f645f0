/**
 * The journals that clients send to this server, by the ids that their clients know them by.
 *
 * In: orders of proven clients. Out: journals of this tree, and a record beside each of them.
 * Invariant: a journal ends here when its client says so, or when its lease runs out; both are on disk before a pipeline acts
 * on it. A client that comes back after that goes on in a new journal, behind what the old one had: nothing twice.
 * On failure: throws `Refused`, or what the system answers; the state on disk is whole.
 */
import { hash } from 'node:crypto';
import { existsSync } from '../tree/files.ts';
import { journalPlaces } from '../journal/places.ts';
import { readRemotes, removeRemote, writeRemote, type RemoteRecord } from '../journal/remote.ts';
import type { Answer, Order } from './messages.ts';
import { protocol, RemoteJournal } from './remote-journal.ts';

/** So long the end of a journal is remembered for a client that has not said that it knows. */
const REMEMBER_MILLIS = 30 * 24 * 3_600_000;

type State = Extract<Answer, { type: 'state' }>;
type JournalOrder = Exclude<Order, { type: 'flush' } | { type: 'ping' }>;

/** What a client's journal is here at the moment. */
interface Place {
  /** Here; another one than the client's after a lapse. */
  readonly id: string;
  readonly record: RemoteRecord | undefined;
  /** Frames up to this number are in a journal that lapsed. */
  readonly after: number;
}

export class RemoteJournals {
  readonly #tree: string;
  readonly #leaseMillis: number;
  readonly #records: Map<string, RemoteRecord>;
  /** By the id here. */
  readonly #open = new Map<string, RemoteJournal>();
  readonly #seenAtMillis = new Map<string, number>();

  constructor(tree: string, leaseMillis: number, nowMillis: number) {
    this.#tree = tree;
    this.#leaseMillis = leaseMillis;
    this.#records = readRemotes(tree);
    for (const [id, { state }] of this.#records) if (state === 'open') this.#seenAtMillis.set(id, nowMillis);
  }

  /** Journals that are not ended. */
  get openCount(): number {
    return this.#seenAtMillis.size;
  }

  /** Carries an order out; the answer says how far the journal is then. */
  carryOut(order: JournalOrder, nowMillis: number): State | undefined {
    const place = this.#placeOf(order.journal);
    const { id, record } = place;
    if (order.type === 'forget') {
      this.#forget(order.journal);
      return undefined;
    }
    if (record?.state === 'ended') {
      return {
        type: 'state',
        journal: order.journal,
        isEnded: true,
        sequence: record.sequence,
        definitionsBytes: 0,
      };
    }
    if (record === undefined && existsSync(journalPlaces(this.#tree, undefined, id).primary)) {
      throw protocol('a journal of which the writer is here');
    }
    const journal = this.#journal(place);
    if (record !== undefined) this.#seenAtMillis.set(id, nowMillis);
    switch (order.type) {
      case 'define':
        journal.define(order.offset, order.bytes, () => this.#begin(place, nowMillis));
        break;
      case 'frames':
        journal.append(order.bytes);
        break;
      case 'final':
        this.#end(id, 'ended', order.endedAtMillis, nowMillis);
        break;
    }
    const { sequence, definitionsBytes } = journal;
    const isEnded = order.type === 'final';
    return { type: 'state', journal: order.journal, isEnded, sequence, definitionsBytes };
  }

  /** The client of these journals is still there. */
  renew(journals: Iterable<string>, nowMillis: number): void {
    for (const journal of journals) {
      const { id, record } = this.#placeOf(journal);
      if (record?.state === 'open') this.#seenAtMillis.set(id, nowMillis);
    }
  }

  /** Ends the journals whose clients have been away for too long, and removes records that nobody needs any more. */
  check(nowMillis: number): void {
    for (const [id, seenAtMillis] of this.#seenAtMillis) {
      if (nowMillis - seenAtMillis <= this.#leaseMillis) continue;
      const record = this.#records.get(id);
      this.#journal({ id, record, after: record?.sequence ?? 0 });
      this.#end(id, 'lapsed', seenAtMillis, nowMillis);
    }
    for (const [id, { state, isForgotten, atMillis }] of this.#records) {
      const isNeeded = state === 'open' || (!isForgotten && nowMillis - atMillis <= REMEMBER_MILLIS);
      if (isNeeded || existsSync(journalPlaces(this.#tree, undefined, id).primary)) continue;
      removeRemote(this.#tree, id);
      this.#records.delete(id);
    }
  }

  close(): void {
    for (const journal of this.#open.values()) journal.close();
    this.#open.clear();
  }

  #placeOf(journal: string): Place {
    let id = journal;
    let after = 0;
    for (;;) {
      const record = this.#records.get(id);
      if (record?.state !== 'lapsed') return { id, record, after };
      after = record.sequence;
      id = continuationOf(id);
    }
  }

  #journal({ id, after }: Place): RemoteJournal {
    let journal = this.#open.get(id);
    if (journal === undefined) {
      journal = new RemoteJournal(this.#tree, id, after);
      this.#open.set(id, journal);
    }
    return journal;
  }

  #end(id: string, state: 'ended' | 'lapsed', endedAtMillis: number, nowMillis: number): void {
    const sequence = this.#open.get(id)?.sequence ?? 0;
    this.#write(id, { state, sequence, endedAtMillis, atMillis: nowMillis, isForgotten: false });
    this.#open.get(id)?.close();
    this.#open.delete(id);
    this.#seenAtMillis.delete(id);
  }

  /** With all that went before it. */
  #forget(journal: string): void {
    for (let id = journal; ; id = continuationOf(id)) {
      const record = this.#records.get(id);
      if (record === undefined || record.state === 'open') return;
      this.#write(id, { ...record, isForgotten: true });
    }
  }

  #begin({ id, after }: Place, nowMillis: number): void {
    this.#write(id, {
      state: 'open',
      sequence: after,
      endedAtMillis: 0,
      atMillis: nowMillis,
      isForgotten: false,
    });
    this.#seenAtMillis.set(id, nowMillis);
  }

  #write(id: string, record: RemoteRecord): void {
    writeRemote(this.#tree, id, record);
    this.#records.set(id, record);
  }
}

/** The journal in which a client goes on whose journal lapsed. */
function continuationOf(id: string): string {
  return hash('sha256', id).slice(0, 32);
}
