/** Starts a worker with an empty environment: only its ancestry leads it to the tree. Records nothing itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const worker = fileURLToPath(new URL('worker.js', import.meta.url));
// Windows starts nothing without it.
const { SystemRoot } = process.env;
const env = SystemRoot === undefined ? {} : { SystemRoot };
const child = spawn(process.execPath, [worker, process.argv[2]], { env, stdio: 'inherit' });
const [code] = await once(child, 'exit');
process.exitCode = code ?? 1;
