/**
 * The workload: real files, as a program that moves data would treat them.
 *
 * In: an instrumented node:fs, a tally, files. Out: copies that are made, read and deleted again; some calls fail.
 * One file after the other: overlap comes from several lanes.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { FileSystem } from './recording.ts';
import type { Job } from './job.ts';
import type { Tally } from './tally.ts';

const LANES = 4;
/** The larger ones would make this a test of the disk. */
const MAX_FILE_BYTES = 512 * 1024;

/** Files below a directory, breadth first and by name, so that they are the same each time. */
export async function listFiles(
  fs: FileSystem,
  tally: Tally,
  root: string,
  wanted: number,
): Promise<string[]> {
  const files: string[] = [];
  for (const directories = [root]; directories.length > 0 && files.length < wanted;) {
    const directory = directories.shift() ?? root;
    const entries = await tally.count('list', () => fs.promises.readdir(directory, { withFileTypes: true }));
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const file = path.join(directory, entry.name);
      if (entry.isDirectory() && !isSkipped(file)) directories.push(file);
      if (!entry.isFile()) continue;
      const { size } = await tally.count('info', () => fs.promises.stat(file));
      if (size <= MAX_FILE_BYTES) files.push(file);
    }
  }
  return files.slice(0, wanted);
}

/** Git's own files, and what a build may be writing. */
function isSkipped(directory: string): boolean {
  const isBuilt = path.basename(directory) === 'dist' && !directory.includes('node_modules');
  return isBuilt || path.basename(directory).startsWith('.');
}

/** Works until the job's operations are done. */
export async function work(fs: FileSystem, tally: Tally, job: Job): Promise<void> {
  const list = await tally.count(
    'read',
    () => fs.promises.readFile(job.list),
    ({ length }) => length,
  );
  const files = JSON.parse(list.toString()) as string[];
  const operations = job.operations ?? Infinity;
  let next = Math.floor(files.length * job.from);
  const lane = async (): Promise<void> => {
    while (tally.started < operations) {
      const number = next++;
      await treat(files[number % files.length], number, path.join(job.scratch, `copy-${number}`));
    }
  };
  const { promises } = fs;

  async function treat(file: string, number: number, copy: string): Promise<void> {
    await allowed(tally.count('info', () => promises.stat(file)));
    if (number % 8 === 0)
      await allowed(
        tally.count(
          'read',
          () => drain(file),
          (bytes) => bytes,
        ),
      );
    else
      await allowed(
        tally.count(
          'read',
          () => promises.readFile(file),
          ({ length }) => length,
        ),
      );
    await allowed(
      tally.count(
        'copy',
        () => copied(file, copy),
        (bytes) => bytes,
      ),
    );
    await allowed(
      tally.count(
        'read',
        () => promises.readFile(copy),
        ({ length }) => length,
      ),
    );
    await allowed(tally.count('delete', () => promises.unlink(copy)));
    if (number % 10 === 0) await allowed(tally.count('info', () => promises.access(`${copy}-missing`)));
    if (number % 20 === 0) await allowed(tally.count('read', () => promises.readFile(`${copy}-missing`)));
    if (number % 15 === 0) await allowed(tally.count('list', () => promises.readdir(path.dirname(file))));
    if (number % 25 === 0) {
      const note = `${number} ${file}\n`;
      const notes = path.join(job.scratch, 'notes');
      await allowed(
        tally.count(
          'write',
          () => promises.appendFile(notes, note),
          () => Buffer.byteLength(note),
        ),
      );
    }
  }

  async function copied(file: string, copy: string): Promise<number> {
    await promises.copyFile(file, copy);
    return statSync(copy).size;
  }

  async function drain(file: string): Promise<number> {
    let bytes = 0;
    for await (const chunk of fs.createReadStream(file)) bytes += (chunk as Buffer).length;
    return bytes;
  }

  await Promise.all(Array.from({ length: LANES }, lane));
}

/** A call that may fail: some do on purpose, and a file may be gone meanwhile. It is counted either way. */
async function allowed(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}
