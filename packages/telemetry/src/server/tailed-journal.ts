/**
 * One journal as the server sees it: where it is read from, how far, whose it is, and whether its writer lives.
 */
import { hash } from 'node:crypto';
import type { ResourceDescriptor } from '../exporters/exporter.ts';
import { decodeAttributes } from '../journal/attributes.ts';
import type { JournalDefinition } from '../journal/definitions.ts';
import { Dictionary } from '../journal/dictionary.ts';
import { treeOf, type JournalPlaces } from '../journal/places.ts';
import type { ChunkMemory } from '../journal/chunk-memory.ts';
import { FIRST, type Chunk, type Position } from '../journal/chunk.ts';
import { JournalReader } from '../journal/reader.ts';
import { readRemote, type RemoteRecord } from '../journal/remote.ts';
import { encodeIdentity, liveness, type Liveness } from '../tree/identity.ts';
import { JournalAccount, type JournalAccountState } from './account.ts';
import { Retention, WHOLE } from './retention.ts';
import type { ExportedSeries } from './series.ts';
import type { Target } from './targets.ts';

/** A journal in the checkpoint. */
export interface JournalState {
  readonly id: string;
  readonly position: Position;
  readonly lastSequence: number;
  readonly account: JournalAccountState;
  readonly saidGoodbye: boolean;
  /** All of it is committed and its writer is dead: only its files remain to be deleted. */
  readonly ended: boolean;
}

export class TailedJournal {
  readonly id: string;
  readonly reader: JournalReader;
  readonly dictionary: Dictionary;
  readonly definition: JournalDefinition;
  /** One per process and resource, by what the journal itself says: the same for every server that reads it. */
  readonly resourceKey: string;
  /** The same object for all journals of a process, once its pipeline has taken it in. */
  resource: ResourceDescriptor;
  /** What its series have become, by their ids. */
  readonly targets: (Target | undefined)[] = [];
  /** Of those, the ones whose samples leave as they are: with many series, each object on the way to one is a cache miss. */
  readonly raw: (ExportedSeries | undefined)[] = [];
  /** Its writer is on the other side of a link: its record, and nothing that it says itself, tells whether more will come. */
  readonly isRemote: boolean;
  position: Position = FIRST;
  lastSequence = 0;
  /** Bytes that this server has read of it. */
  readBytes = 0;
  account: JournalAccount = new JournalAccount();
  saidGoodbye = false;
  ended = false;
  #isDead = false;
  #aliveAtMillis: number | undefined;
  #diedAtMillis: number | undefined;

  readonly #retention: Retention;

  private constructor(
    dictionary: Dictionary,
    definition: JournalDefinition,
    places: JournalPlaces,
    retention: Retention,
  ) {
    this.#retention = retention;
    this.id = places.id;
    this.reader = new JournalReader(places);
    this.dictionary = dictionary;
    this.definition = definition;
    const { process, resource } = definition.writer;
    this.resourceKey = hash('sha256', encodeIdentity(process) + JSON.stringify(resource)).slice(0, 32);
    this.resource = { attributes: decodeAttributes(resource) };
    this.isRemote = readRemote(treeOf(places), places.id) !== undefined;
  }

  /** `undefined` where the directory holds no readable journal. `retention` is shared by all who read it. */
  static open(
    places: JournalPlaces,
    retention: Retention = new Retention(places, 1),
  ): TailedJournal | undefined {
    const dictionary = new Dictionary(places);
    const { definition } = dictionary;
    return definition === undefined
      ? undefined
      : new TailedJournal(dictionary, definition, places, retention);
  }

  get startMillis(): number {
    return this.definition.writer.startedAtMillis;
  }

  restore(state: JournalState): void {
    this.position = state.position;
    this.lastSequence = state.lastSequence;
    this.account = new JournalAccount(state.account);
    this.saidGoodbye = state.saidGoodbye;
    this.ended = state.ended;
  }

  get state(): JournalState {
    const { id, position, lastSequence, account, saidGoodbye, ended } = this;
    return { id, position, lastSequence, account: account.state, saidGoodbye, ended };
  }

  /**
   * Looks whether the writer is gone: its process is dead, or its main thread rescued what the thread left behind. Dead is
   * final; unknown (another pid namespace) counts as alive.
   */
  checkWriter(): void {
    if (this.#isDead) return;
    if (this.isRemote) return this.#checkRecord();
    this.#isDead = this.reader.hasRescue() || liveness(this.definition.writer.process) === 'dead';
    // Who was dead before this server came is known by the last that was written.
    if (!this.#isDead) this.#aliveAtMillis = Date.now();
    else this.#diedAtMillis = this.#aliveAtMillis === undefined ? this.reader.modifiedAtMillis() : Date.now();
  }

  #checkRecord(): void {
    const record = this.#record;
    if (record === undefined || record.state === 'open') return;
    this.#isDead = true;
    this.#diedAtMillis = record.endedAtMillis;
  }

  get #record(): RemoteRecord | undefined {
    return readRemote(treeOf(this.reader.places), this.id);
  }

  /** Whether the writer lives, as well as can be told from here. */
  get liveness(): Liveness {
    if (!this.isRemote) return liveness(this.definition.writer.process);
    return this.#record?.state === 'open' ? 'unknown' : 'dead';
  }

  /** Epoch milliseconds at which no more came: seen, or else the last that was written. */
  get endedAtMillis(): number {
    return this.#diedAtMillis ?? this.reader.modifiedAtMillis();
  }

  /** No more will be written. */
  get isFinal(): boolean {
    return this.#isDead || (this.saidGoodbye && !this.isRemote);
  }

  /** Deletes what is committed, as far as nobody else needs it. Returns whether nothing of that is left. */
  release(): boolean {
    if (this.ended) this.reader.close();
    return this.#retention.commit(this, this.ended ? WHOLE : this.position);
  }

  read(maxBytes: number, memory?: ChunkMemory): Chunk | undefined {
    return this.reader.read(this.position, maxBytes, this.#isDead, memory);
  }
}
