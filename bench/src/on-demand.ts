/**
 * Peers that are no dependencies: fetched by the clients of their registries when a bench wants them, into a cache of the user.
 *
 * In: what to run to have one. Out: the directory that it is in, or `undefined` with one line that says why it is skipped.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TIMEOUT_MILLIS = 120_000;

function cacheDirectory(name: string): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  return path.join(cache, 'multistorageclient-test', name);
}

async function fetched(
  name: string,
  commandsIn: (directory: string) => readonly (readonly [string, readonly string[]])[],
): Promise<string | undefined> {
  const directory = cacheDirectory(name);
  const done = path.join(directory, 'complete');
  if (existsSync(done)) return directory;
  try {
    mkdirSync(directory, { recursive: true });
    for (const [command, args] of commandsIn(directory))
      await run(command, args, { timeout: TIMEOUT_MILLIS });
    writeFileSync(done, '');
    return directory;
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    const [reason] = String(error instanceof Error ? error.message : error).split('\n');
    console.error(`NOT MEASURED: ${name} cannot be fetched (${reason})`);
    return undefined;
  }
}

/** `file:` URL of the main module of hot-shots, whose optional native part is left out. */
export async function hotShots(): Promise<string | undefined> {
  const directory = await fetched('bench-hot-shots', (into) => [
    [
      'npm',
      [
        'install',
        '--prefix',
        into,
        '--omit=optional',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        'hot-shots@17.1.1',
      ],
    ],
  ]);
  return directory === undefined ? undefined : path.join(directory, 'node_modules/hot-shots/index.js');
}

/** A Python that has the original. */
export async function originalPython(): Promise<string | undefined> {
  const directory = await fetched('bench-original', (into) => [
    ['python3', ['-m', 'venv', into]],
    [
      path.join(into, 'bin/python'),
      [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--disable-pip-version-check',
        'multi-storage-client[observability-otel]',
      ],
    ],
  ]);
  return directory === undefined ? undefined : path.join(directory, 'bin/python');
}
