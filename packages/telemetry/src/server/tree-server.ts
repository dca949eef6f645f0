/**
 * Tree server: serves one tree's directory: finds journals as they appear, gives each to the pipeline of its
 * configuration, answers flush requests, and knows when nobody is left.
 *
 * In: a directory whose server lock is held. Out: exports; `status.json`; a directory that is gone when all is done.
 * Invariant: nothing of a journal is deleted before it is committed, and the directory only when nothing is in it.
 * On failure: an unreadable journal is left where it is, and the directory with it; a pipeline that broke off is
 * replaced, and does not stop the others.
 */
import path from 'node:path';
import { configurationDigest } from '../config/digest.ts';
import { existsSync, renameSync, replaceFile, rmSync } from '../tree/files.ts';
import { journalPlaces, journalsDirectory } from '../journal/places.ts';
import { Forwarding } from '../link/forwarding.ts';
import { Link } from '../link/link.ts';
import { Listener } from '../link/listener.ts';
import { readLink } from '../link/settings.ts';
import { acquireServerLock, type ServerLock } from '../tree/lock.ts';
import {
  liveMembers,
  requestOf,
  requestsDirectory,
  removeRequest,
  STATUS_FILE,
  type LinkStatus,
  type ServerStatus,
} from '../tree/requests.ts';
import { readTreeResource } from '../tree/resource.ts';
import { isTreeName, spillDirectoryFor } from '../tree/trees.ts';
import type { PipelineState } from './pipeline.ts';
import { Pipelines } from './pipelines.ts';
import { Retention } from './retention.ts';
import { TailedJournal } from './tailed-journal.ts';
import { WatchedDirectory } from './watched-directory.ts';

const JOURNAL_NAME = /^[0-9a-f]{32}$/;
/** Processes are looked up, and the status is written, this often. */
const CHECK_MILLIS = 1000;

export interface TreeServerOptions {
  /** Whether a backend that is away keeps the process alive. Default true. */
  readonly keepsAlive?: boolean;
  /** Whether `/metrics` is served where it is configured. Default true. */
  readonly isScraped?: boolean;
}

export class TreeServer {
  readonly directory: string;
  readonly #lock: ServerLock;
  readonly #spill: string;
  readonly #log: (message: string) => void;
  readonly #pipelines: Pipelines;
  readonly #journals: WatchedDirectory;
  readonly #requests: WatchedDirectory;
  /** Journals by name, with the configuration that they belong to; `undefined` where one cannot be read. */
  readonly #known = new Map<string, string | undefined>();
  readonly #unreadable = new Set<string>();
  readonly #answering = new Set<string>();
  /** Where the tree's records go, instead of to exporters of their own. */
  readonly #link: Link | undefined;
  /** Where records of trees elsewhere come from. */
  readonly #listener: Listener | undefined;
  readonly #startedAtMillis = Date.now();
  #nextCheckMillis = 0;
  #members = 1;
  #statusText = '';

  private constructor(
    directory: string,
    lock: ServerLock,
    log: (message: string) => void,
    { keepsAlive = true, isScraped = true }: TreeServerOptions,
  ) {
    this.directory = directory;
    this.#lock = lock;
    this.#spill = spillDirectoryFor(directory);
    this.#log = log;
    const settings = readLink(directory);
    this.#link = settings && new Link({ settings, log, onChange: () => this.#writeStatus() });
    this.#pipelines = new Pipelines({
      directory,
      link: this.#link,
      treeResource: readTreeResource(directory),
      log,
      onChange: () => this.#writeStatus(),
      keepsAlive,
      isScraped,
    });
    this.#journals = new WatchedDirectory(journalsDirectory(directory));
    this.#requests = new WatchedDirectory(requestsDirectory(directory));
    // What ended before this server came is deleted first: it must not be gone on with.
    this.#findJournals();
    this.#listener = Listener.open(directory, log);
    this.#findJournals();
    this.#writeStatus();
  }

  /** `undefined` where another server holds the directory. */
  static open(
    directory: string,
    log: (message: string) => void,
    options: TreeServerOptions = {},
  ): TreeServer | undefined {
    const lock = acquireServerLock(directory);
    return lock === undefined ? undefined : new TreeServer(directory, lock, log, options);
  }

  /** One look at everything; returns whether there was something to do. Never throws. */
  poll(nowMillis: number): boolean {
    try {
      return this.#look(nowMillis);
    } catch (error) {
      this.#log(`${this.directory} cannot be looked at: ${String(error)}`);
      return false;
    }
  }

  #look(nowMillis: number): boolean {
    const found = this.#findJournals();
    if (nowMillis >= this.#nextCheckMillis) {
      this.#nextCheckMillis = nowMillis + CHECK_MILLIS;
      this.check();
    }
    const asked = this.#answerRequests();
    let pending = false;
    for (const pipeline of this.#pipelines) {
      pending = pipeline.poll(nowMillis) || pending;
    }
    return found || asked || pending;
  }

  /** Looks up who lives, and tries again what could not be done. */
  check(): void {
    this.#members = liveMembers(this.directory);
    for (const [name, digest] of this.#known) if (digest === undefined) this.#known.delete(name);
    // Their journals are found again.
    const broken = this.#pipelines.discardBroken();
    for (const [name, digest] of this.#known) if (broken.has(digest ?? '')) this.#known.delete(name);
    this.#findJournals();
    for (const pipeline of this.#pipelines) {
      for (const journal of pipeline.journals) journal.checkWriter();
    }
    this.#writeStatus();
  }

  /** Exports all that is there, in every configuration; with `tick`, unchanged totals as well. */
  async flush({ tick = true }: { readonly tick?: boolean } = {}): Promise<void> {
    this.#findJournals();
    await Promise.all([...this.#pipelines].map((pipeline) => pipeline.flush({ tick })));
    this.#writeStatus();
  }

  /** Whether anybody may still record here, or bring what was recorded elsewhere. */
  get hasMembers(): boolean {
    return this.#members > 0 || this.#listener?.hasClients === true;
  }

  /** Whether all that was recorded is exported and nothing is left but empty directories. */
  get isDrained(): boolean {
    this.#findJournals();
    return [...this.#pipelines].every((pipeline) => pipeline.isDrained);
  }

  /** Whether all that was recorded so far is exported. Its writers may go on. */
  get isExported(): boolean {
    this.#findJournals();
    return [...this.#pipelines].every((pipeline) => pipeline.isExported);
  }

  /** Whether this process is still the one that serves the directory. */
  get isHeld(): boolean {
    return this.#lock.isHeld();
  }

  /** Takes no more from trees elsewhere. */
  stopListening(): void {
    this.#listener?.close();
  }

  /** Stops; what is unfinished stays for the next server. */
  async stop(): Promise<void> {
    this.stopListening();
    // Whoever waits for the other server is told at once that it does not come.
    await Promise.all([this.#link?.close(), this.#pipelines.stop()]);
    this.#lock.release();
  }

  /**
   * Removes the tree, drained and without members: renamed first, so that nobody can join in between; who
   * did so just before keeps it, and starts a server of his own. A directory that a user named stays, with its checkpoints:
   * its totals go on when it is used again. One with a journal that cannot be read stays as well.
   */
  remove(): void {
    if (!isTreeName(this.directory) || this.#unreadable.size > 0) return;
    try {
      const gone = `${this.directory}.removed`;
      renameSync(this.directory, gone);
      if (liveMembers(gone) > 0) return renameSync(gone, this.directory);
      rmSync(gone, { recursive: true, force: true });
      if (existsSync(this.#spill)) rmSync(this.#spill, { recursive: true, force: true });
    } catch (error) {
      this.#log(`the drained directory ${this.directory} could not be removed: ${String(error)}`);
    }
  }

  get states(): PipelineState[] {
    return [...this.#pipelines].map(({ state }) => state);
  }

  #findJournals(): boolean {
    let found = false;
    for (const name of this.#journals.names()) {
      if (this.#known.has(name) || !JOURNAL_NAME.test(name)) continue;
      const digest = this.#openJournal(name);
      this.#known.set(name, digest);
      found ||= digest !== undefined;
    }
    // Only now: a pipeline starts with all journals that were there before it.
    if (found) for (const pipeline of this.#pipelines) void pipeline.start();
    return found;
  }

  /** Hands a journal to the pipeline of its configuration. */
  #openJournal(name: string): string | undefined {
    let reason: unknown = 'its definitions are unreadable';
    try {
      const places = journalPlaces(this.directory, this.#spill, name);
      const configuration = TailedJournal.open(places)?.definition.configuration;
      if (configuration !== undefined) {
        const digest = configurationDigest(configuration);
        const pipelines = this.#pipelines.open(digest, configuration);
        const retention = new Retention(places, pipelines.length);
        for (const pipeline of pipelines) {
          const journal = TailedJournal.open(places, retention);
          if (journal !== undefined) pipeline.addJournal(journal);
        }
        this.#unreadable.delete(name);
        return digest;
      }
    } catch (error) {
      reason = error;
    }
    if (!this.#unreadable.has(name)) this.#log(`journal ${name} is left where it is: ${String(reason)}`);
    this.#unreadable.add(name);
    return undefined;
  }

  #answerRequests(): boolean {
    const names = this.#requests.names();
    for (const name of names) {
      const { request, digest, handOver } = requestOf(this.directory, name);
      if (this.#answering.has(request)) continue;
      this.#answering.add(request);
      void this.#answer(request, digest, handOver);
    }
    return names.length > 0;
  }

  async #answer(request: string, digest: string, handOver: boolean): Promise<void> {
    // Its journal was there before the request was, but perhaps not yet when this poll looked for journals.
    this.#findJournals();
    const pipelines = this.#pipelines.of(digest);
    const done = await Promise.all(pipelines.map((pipeline) => pipeline.flush({ tick: true, handOver })));
    this.#writeStatus();
    // What was not done is left to the pipeline, or the server, that comes next.
    if (!done.includes(false)) removeRequest(request);
    this.#answering.delete(request);
  }

  #linkStatus(): LinkStatus | undefined {
    if (this.#link === undefined) return this.#listener?.status;
    let bytesBehind = 0;
    for (const pipeline of this.#pipelines) {
      if (pipeline instanceof Forwarding) bytesBehind += pipeline.bytesBehind;
    }
    return { ...this.#link.status, bytesBehind };
  }

  #writeStatus(): void {
    const configurations = this.#pipelines.statuses;
    const link = this.#linkStatus();
    const status: ServerStatus = {
      pid: process.pid,
      startedAtMillis: this.#startedAtMillis,
      ...(link === undefined ? {} : { link }),
      configurations,
    };
    const text = JSON.stringify(status);
    if (text === this.#statusText) return;
    try {
      replaceFile(path.join(this.directory, STATUS_FILE), text);
      this.#statusText = text;
    } catch {
      // No room, or the directory is gone: the next check tries again.
    }
  }
}

/** Whether everybody who has recorded in a directory is dead. False where nobody has. */
export function isAbandoned(directory: string): boolean {
  const spill = spillDirectoryFor(directory);
  const journals = new WatchedDirectory(journalsDirectory(directory))
    .names()
    .filter((name) => JOURNAL_NAME.test(name))
    .flatMap((name) => {
      try {
        return TailedJournal.open(journalPlaces(directory, spill, name)) ?? [];
      } catch {
        // Whoever serves the directory says so.
        return [];
      }
    });
  return journals.length > 0 && journals.every((journal) => journal.liveness === 'dead');
}
