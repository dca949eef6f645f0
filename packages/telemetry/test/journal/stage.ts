/** Where the journals of these tests lie, and who writes them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { JournalDefinition } from '../../src/journal/definitions.ts';
import type { Frame } from '../../src/journal/frame.ts';
import { journalPlaces, type JournalPlaces } from '../../src/journal/places.ts';
import type { Chunk, Position } from '../../src/journal/chunk.ts';
import type { JournalReader } from '../../src/journal/reader.ts';
import type { JournalBudget } from '../../src/journal/writer.ts';

export const ID = '000102030405060708090a0b0c0d0e0f';

export const DEFINITION: JournalDefinition = {
  writer: {
    process: { pid: 4242, startTime: '1234567', bootId: '', pidNamespace: '' },
    threadId: 0,
    startedAtMillis: 1_767_225_600_123,
    resource: [['service.name', 'example']],
  },
  configuration: {
    exporter: { type: 'console', options: {} },
    reader: {
      collectIntervalMillis: 1000,
      collectTimeoutMillis: 10_000,
      exportIntervalMillis: 60_000,
      exportTimeoutMillis: 30_000,
    },
    resampling: { type: 'none' },
  },
};

export const BUDGET: JournalBudget = {
  segmentMaxBytes: 1024 * 1024,
  primaryMaxBytes: 64 * 1024 * 1024,
  spillMaxBytes: 64 * 1024 * 1024,
};

/** An empty private directory that the test's end removes. */
export function scratch(t: Pick<TestContext, 'after'>): string {
  const directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'msc-journal-test-')));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Places in a tree that exists; the journal itself does not. */
export function places(t: Pick<TestContext, 'after'>, id: string = ID): JournalPlaces {
  const tree = scratch(t);
  mkdirSync(path.join(tree, 'journals'), { mode: 0o700 });
  return journalPlaces(tree, path.join(tree, 'spill'), id);
}

/** The same, with a directory that a test itself fills with segments. */
export function filled(t: Pick<TestContext, 'after'>): JournalPlaces {
  const made = places(t);
  mkdirSync(made.primary, { mode: 0o700 });
  mkdirSync(made.spill as string, { mode: 0o700, recursive: true });
  return made;
}

/** What a reader finds behind a position until there is nothing more. */
export function readAll(
  reader: JournalReader,
  from: Position,
  { ended = false, maxBytes = 1 << 20 }: { ended?: boolean; maxBytes?: number } = {},
): { frames: Frame[]; to: Position; corruptBytes: number; chunks: Chunk[] } {
  const chunks: Chunk[] = [];
  let to = from;
  for (let chunk = reader.read(to, maxBytes, ended); chunk; chunk = reader.read(to, maxBytes, ended)) {
    chunks.push(chunk);
    to = chunk.to;
  }
  const frames = chunks.flatMap((chunk) => chunk.frames);
  return { frames, to, corruptBytes: chunks.reduce((sum, chunk) => sum + chunk.corruptBytes, 0), chunks };
}

/** Only root can mount a file system, and not in every container. */
export const needsMount: { readonly skip: string | false } = {
  skip: canMount() ? false : 'cannot mount a tmpfs here',
};

function canMount(): boolean {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return false;
  const directory = mkdtempSync(path.join(tmpdir(), 'msc-journal-test-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', directory], { stdio: 'ignore' });
    execFileSync('umount', [directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Places whose primary directory lies in 16 MiB of memory of its own; the test's end takes it away. */
export function inMemory(t: Pick<TestContext, 'after'>): { place: JournalPlaces; memory: string } {
  const memory = mkdtempSync(path.join(tmpdir(), 'msc-journal-test-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=700', 'tmpfs', memory]);
  t.after(() => {
    execFileSync('umount', ['--lazy', memory]);
    rmSync(memory, { recursive: true });
  });
  mkdirSync(path.join(memory, 'journals'), { mode: 0o700 });
  const spill = path.join(scratch(t), 'spill');
  writeFileSync(path.join(memory, 'spill-location'), spill, { mode: 0o600 });
  return { place: journalPlaces(memory, spill, ID), memory };
}

/** Leaves a file system so many bytes; gives them back when it is called. */
export function leaveFree(mounted: string, bytes: number): () => void {
  const { bavail, bsize } = statfsSync(mounted);
  const filler = path.join(mounted, 'filler');
  writeFileSync(filler, new Uint8Array(bavail * bsize - bytes));
  return () => rmSync(filler);
}
