/**
 * Status of a tree, read from its directory: with a server, without one, or after it was killed.
 *
 * In: a directory. Out: writers, configurations, and the account of each. Reads all that is journaled, so it is for
 * people and tests, not for a loop. On failure: what is unreadable is left out.
 */
import path from 'node:path';
import type { SignalConfig } from '../config/signals.ts';
import { configurationDigest } from '../config/digest.ts';
import { namesIn } from '../tree/files.ts';
import { journalPlaces, journalsDirectory } from '../journal/places.ts';
import { serverHolder } from '../tree/lock.ts';
import {
  readServerStatus,
  SCRAPED_SUFFIX,
  type ConfigurationStatus,
  type LinkStatus,
} from '../tree/requests.ts';
import { spillDirectoryFor } from '../tree/trees.ts';
import { addAccounts, EMPTY_ACCOUNT, isBalanced, JournalAccount, type Account } from './account.ts';
import { readCheckpoint, type Checkpoint } from './checkpoint.ts';
import { FrameType } from '../journal/frame.ts';
import type { MetricsState } from './metrics-signal.ts';
import { TailedJournal } from './tailed-journal.ts';

export interface WriterStatus {
  /** Of its journal. */
  readonly id: string;
  readonly pid: number;
  readonly threadId: number;
  readonly state: 'alive' | 'dead' | 'unknown';
  /** Of its journal: its name among the tree's configurations. */
  readonly configuration: string;
  readonly account: Account;
}

export interface TreeConfigurationStatus extends Omit<ConfigurationStatus, 'progress' | 'journalBytes'> {
  /** Bytes in journals that wait, at this moment. */
  readonly journalBytes: number;
  /** Writers so far, those included whose journals are gone. */
  readonly writers: number;
  readonly account: Account;
}

export interface TreeStatus {
  readonly directory: string;
  /** Absent where nobody serves the directory at the moment. */
  readonly server?: { readonly pid: number; readonly state: 'alive' | 'dead' | 'unknown' };
  /** The tree's link over TCP, as its server said last. */
  readonly link?: LinkStatus;
  readonly configurations: Readonly<Record<string, TreeConfigurationStatus>>;
  /** Writers whose journals are there. */
  readonly writers: readonly WriterStatus[];
  readonly account: Account;
  /** Whether recorded = exported + merged + journaled + dropped. */
  readonly balanced: boolean;
}

export function readTreeStatus(directory: string): TreeStatus {
  const holder = serverHolder(directory);
  const serverStatus = readServerStatus(directory);
  const said: Readonly<Record<string, ConfigurationStatus | undefined>> = serverStatus?.configurations ?? {};
  const byDigest = groupJournals(directory);
  for (const name of namesIn(path.join(directory, 'server'))) {
    const digest = name.endsWith(SCRAPED_SUFFIX) ? name.slice(0, -SCRAPED_SUFFIX.length) : name;
    if (!byDigest.has(name)) byDigest.set(name, byDigest.get(digest) ?? []);
  }
  const configurations: Record<string, TreeConfigurationStatus> = {};
  const writers: WriterStatus[] = [];
  let account = EMPTY_ACCOUNT;
  for (const [digest, ids] of byDigest) {
    const found = readConfiguration(directory, digest, ids);
    // What is served at /metrics as well is recorded once.
    if (!digest.endsWith(SCRAPED_SUFFIX)) {
      writers.push(...found.writers);
      account = addAccounts(account, found.account);
    }
    const count = found.writers.length + found.retired;
    const {
      progress: _progress,
      journalBytes: _journalBytes,
      ...saying
    } = said[digest] ?? {
      exporter: found.exporter,
      // Where nothing is left of it, its server has had no reason to look at it.
      state: found.writers.length > 0 ? 'starting' : 'ok',
      progress: 0,
    };
    configurations[digest] = {
      ...saying,
      writers: count,
      journalBytes: found.journalBytes,
      account: found.account,
    };
  }
  return {
    directory,
    ...(holder === undefined ? {} : { server: { pid: holder.identity.pid, state: holder.liveness } }),
    ...(serverStatus?.link === undefined ? {} : { link: serverStatus.link }),
    configurations,
    writers,
    account,
    balanced: isBalanced(account),
  };
}

interface Found {
  readonly exporter: string;
  readonly retired: number;
  readonly writers: readonly WriterStatus[];
  readonly journalBytes: number;
  readonly account: Account;
}

/** Read again when the server committed in between: positions and files must belong together. */
function readConfiguration(directory: string, digest: string, ids: readonly string[]): Found {
  for (let attempt = 0; ; attempt++) {
    const place = path.join(directory, 'server', digest);
    const checkpoint = readCheckpoint(place);
    const found = readJournals(directory, digest, checkpoint, ids);
    if (attempt === 10 || readCheckpoint(place)?.sequence === checkpoint?.sequence) return found;
  }
}

function readJournals(
  directory: string,
  configuration: string,
  checkpoint: Checkpoint | undefined,
  ids: readonly string[],
): Found {
  const retired = new JournalAccount(checkpoint?.retired.account);
  const writers: WriterStatus[] = [];
  const held = heldByWriter(checkpoint);
  let account = EMPTY_ACCOUNT;
  let exporter = '';
  let journalBytes = 0;
  for (const id of ids) {
    const known = checkpoint?.journals.find((journal) => journal.id === id);
    // Counted among the retired already: only its files are still there.
    if (known?.ended === true) continue;
    const journal = openJournal(directory, id);
    if (journal === undefined) continue;
    if (known !== undefined) journal.restore(known);
    exporter = journal.definition.configuration.exporter.type;
    const { process, threadId } = journal.definition.writer;
    const waiting = readWaiting(journal);
    journalBytes += waiting.bytes;
    const total = journal.account.total(waiting.units, held.get(id) ?? 0);
    held.delete(id);
    writers.push({ id, pid: process.pid, threadId, state: journal.liveness, configuration, account: total });
    account = addAccounts(account, total);
  }
  const heldForRetired = [...held.values()].reduce((sum, units) => sum + units, 0);
  account = addAccounts(account, retired.total(0, heldForRetired));
  return { exporter, retired: checkpoint?.retired.writers ?? 0, writers, journalBytes, account };
}

/** Units of samples that wait for their window to close. */
function heldByWriter(checkpoint: Checkpoint | undefined): Map<string, number> {
  const held = new Map<string, number>();
  const { aggregates = [] } = (checkpoint ?? {}) as MetricsState;
  for (const { lastValue } of aggregates) {
    for (const [, , , writer, units] of lastValue?.open ?? [])
      held.set(writer, (held.get(writer) ?? 0) + units);
  }
  return held;
}

/** What lies in the journal behind its position, with what its writer says there of its account. */
function readWaiting(journal: TailedJournal): { readonly units: number; readonly bytes: number } {
  journal.checkWriter();
  let units = 0;
  let bytes = 0;
  let last = journal.lastSequence;
  for (let chunk = journal.read(READ_BYTES); chunk !== undefined; chunk = journal.read(READ_BYTES)) {
    for (const frame of chunk.frames) {
      if (frame.sequence <= last) continue;
      last = frame.sequence;
      units += frame.units;
      if (frame.type === FrameType.ACCOUNT) journal.account.readFrame(frame);
    }
    const { from, to } = chunk;
    bytes += to.offset - (from.segment === to.segment ? from.offset : 0);
    journal.position = to;
  }
  journal.reader.close();
  return { units, bytes };
}

const READ_BYTES = 1024 * 1024;

function groupJournals(directory: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const id of namesIn(journalsDirectory(directory))) {
    const configuration: SignalConfig | undefined = openJournal(directory, id)?.definition.configuration;
    if (configuration === undefined) continue;
    const digest = configurationDigest(configuration);
    groups.set(digest, [...(groups.get(digest) ?? []), id]);
  }
  return groups;
}

function openJournal(directory: string, id: string): TailedJournal | undefined {
  if (!/^[0-9a-f]{32}$/.test(id)) return undefined;
  try {
    return TailedJournal.open(journalPlaces(directory, spillDirectoryFor(directory), id));
  } catch {
    // Not a directory, or not ours.
    return undefined;
  }
}
