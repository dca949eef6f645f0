import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** A directory that is gone when the test has ended. */
export function scratch(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'msc-cli-'));
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return directory;
}
