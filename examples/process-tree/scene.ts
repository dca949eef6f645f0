import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Directories of one run: gone at its end, whatever that is, unless they are to be kept. */
export class Scene {
  readonly tallies: string;
  readonly scratch: string;
  readonly list: string;

  constructor(keep: string | undefined) {
    if (keep !== undefined) mkdirSync(keep, { recursive: true });
    const directory = keep ?? mkdtempSync(path.join(tmpdir(), 'process-tree-'));
    this.tallies = path.join(directory, 'tallies');
    this.scratch = path.join(directory, 'scratch');
    this.list = path.join(this.scratch, 'files.json');
    // Not again into the tallies of an earlier run.
    mkdirSync(this.tallies);
    mkdirSync(this.scratch);
    const gone = keep === undefined ? directory : this.scratch;
    process.once('exit', () => rmSync(gone, { recursive: true, force: true, maxRetries: 3 }));
  }
}
