/**
 * Runs one piece of program twice, on the bare module and on an observed one, in equal directories, and compares what
 * the program sees.
 */
import assert from 'node:assert/strict';
import bareFs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { instrumentFs } from '../../src/fs.ts';
import { patchFs } from '../../src/patch-fs.ts';
import { Recorder } from '../recorder.ts';

export type FileSystem = typeof bareFs;

/** What a program does with a module in a directory. Everything it returns, or rejects with, is compared. */
export type Program = (fs: FileSystem, directory: string) => unknown;

export const TEXT = 'Zwölf Boxkämpfer';
export const TEXT_BYTES: number = Buffer.byteLength(TEXT);
export const BINARY_BYTES = 200_000;

/** Both ways to observe: each runs a program, and gives what was recorded. */
export const WAYS: Readonly<Record<string, (program: Program, directory: string, to: Recorder) => unknown>> =
  {
    instrumentFs: (program, directory, to) => program(instrumentFs({ operations: to }), directory),
    patchFs: async (program, directory, to) => {
      const undo = patchFs(to);
      try {
        return await program(bareFs, directory);
      } finally {
        undo();
      }
    },
  };

/** Asserts that the program sees no difference, and that exactly these operations are recorded. */
export async function conforms(way: string, program: Program, expected: readonly string[]): Promise<void> {
  const bare = await inFreshDirectory((directory) => outcomeOf(() => program(bareFs, directory), directory));
  const recorder = new Recorder();
  await inFreshDirectory(async (directory) => {
    const observed = await outcomeOf(() => WAYS[way]?.(program, directory, recorder), directory);
    assert.deepEqual(observed.comparable, bare.comparable);
    await recorder.settled();
    assert.deepEqual(recorder.lines, expected);
    const failed = recorder.recorded.find(({ status }) => status === 'error');
    if (failed !== undefined && observed.error !== undefined) assert.equal(failed.error, observed.error);
  });
}

interface Outcome {
  readonly error?: unknown;
  readonly comparable: unknown;
}

async function outcomeOf(run: () => unknown, directory: string): Promise<Outcome> {
  try {
    return { comparable: comparable(await run(), directory) };
  } catch (error) {
    return { error, comparable: comparable(error, directory) };
  }
}

/** Two equal outcomes in two directories, at two times, become the same value. */
function comparable(value: unknown, directory: string): unknown {
  const here = (text: string): string => text.replaceAll(directory, '<directory>');
  if (typeof value === 'string') return here(value);
  if (Array.isArray(value)) return value.map((item) => comparable(item, directory));
  if (value instanceof bareFs.Stats) return { stats: true, size: value.size, mode: value.mode };
  if (value instanceof bareFs.Dirent) return { dirent: value.name, isFile: value.isFile() };
  if (value instanceof Error) {
    const { name, message } = value;
    return {
      name,
      message: here(message),
      code: Reflect.get(value, 'code'),
      syscall: Reflect.get(value, 'syscall'),
    };
  }
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  if (typeof Reflect.get(value, 'ino') === 'bigint')
    return { stats: 'bigint', size: Reflect.get(value, 'size') };
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, comparable(item, directory)]));
}

export async function inFreshDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = bareFs.mkdtempSync(path.join(tmpdir(), 'msc-fs-'));
  try {
    bareFs.writeFileSync(path.join(directory, 'text'), TEXT);
    bareFs.writeFileSync(path.join(directory, 'binary'), Buffer.alloc(BINARY_BYTES, 'abc'));
    bareFs.writeFileSync(path.join(directory, 'empty'), '');
    bareFs.mkdirSync(path.join(directory, 'folder', 'inner'), { recursive: true });
    bareFs.writeFileSync(path.join(directory, 'folder', 'one'), '1');
    bareFs.writeFileSync(path.join(directory, 'folder', 'inner', 'two'), '22');
    bareFs.symlinkSync('text', path.join(directory, 'link'));
    return await use(directory);
  } finally {
    bareFs.rmSync(directory, { recursive: true, force: true });
  }
}
