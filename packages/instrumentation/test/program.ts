import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';

/** Of the trees of all programs. */
const root = path.join(tmpdir(), `msc-program-root-${process.pid}`);
process.once('exit', () => rmSync(root, { recursive: true, force: true }));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Writes files into a directory of their own and runs the first of them with this Node. */
export async function runProgram(
  files: Readonly<Record<string, string>>,
  { options = [], env = {} }: { options?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  const directory = await mkdtemp(path.join(tmpdir(), 'msc-program-'));
  try {
    const written = Object.entries(files).map(([name, content]) =>
      writeFile(path.join(directory, name), content),
    );
    await Promise.all(written);
    const child = spawn(process.execPath, [...options, path.join(directory, Object.keys(files)[0] ?? '')], {
      cwd: directory,
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        NODE_TEST_CONTEXT: undefined,
        // What other programs left behind is not for this one's server.
        MSC_TELEMETRY_ROOT: root,
        MSC_TELEMETRY_DIRECTORY: undefined,
        ...env,
      },
    });
    const exit = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
    return { code, stdout, stderr };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The address of a compiled module beside the tests. */
function compiled(name: string): string {
  return new URL(name, import.meta.url).href;
}

/** Options that patch node:fs before the program, and print what was recorded when it exits. */
export const PATCHED: readonly string[] = [
  '--import',
  `data:text/javascript,${encodeURIComponent(`
    import { writeSync } from 'node:fs';
    import { patchFs } from '${compiled('../src/patch-fs.js')}';
    import { Recorder } from '${compiled('./recorder.js')}';
    const recorder = new Recorder();
    globalThis.unpatch = patchFs(recorder);
    process.on('exit', () => writeSync(1, 'recorded ' + JSON.stringify(recorder.lines) + '\\n'));
  `)}`,
];

/** What a program under `PATCHED` recorded. */
export function recordedBy({ stdout }: Ran): string[] {
  return JSON.parse(/^recorded (?<lines>.*)$/mu.exec(stdout)?.groups?.['lines'] ?? '');
}
