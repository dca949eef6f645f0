import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

/** A directory with the given files, by relative path; it ends with the test. */
export function writeProgram(t: TestContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'msc-program-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return directory;
}

/** URLs of all modules, but those of Node.js, that a fresh process loads for a piece of program. */
export function modulesLoadedBy(source: string): string[] {
  const hook = `
    const { registerHooks } = await import('node:module');
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    ${source}
    process.stdout.write(JSON.stringify(loaded.filter((url) => !url.startsWith('node:'))));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', hook], { encoding: 'utf8' });
  const loaded: string[] = JSON.parse(output);
  return loaded;
}

/** Source of an expression that imports a compiled module next to the tests or of the package. */
export function importOf(path: string): string {
  return `await import(${JSON.stringify(new URL(path, import.meta.url).href)})`;
}
