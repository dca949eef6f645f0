import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { scratch } from '../tree/scratch.ts';

/** The sources of the tests, from where they are compiled to. */
const SOURCES = path.join(import.meta.dirname, '../../../test/config');

export const WRONG: string = path.join(SOURCES, 'wrong');
/** The example of the original's documentation. */
export const ORIGINAL: string = path.join(SOURCES, 'original.yaml');
export const SCHEMA_FILE: string = path.join(SOURCES, '../../config.schema.json');

/** A directory with files by name, which the test's end removes. */
export function directoryOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const directory = scratch(t);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(directory, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return directory;
}
