/**
 * The telemetry server's process: one per tree, started by the first process that records.
 *
 * In: the tree's directory, as its argument. Out: nothing on stdout; `server.log` in the directory.
 * Invariant: it outlives its parent until every writer is gone and drained. The terminal's signals, and the SIGTERM that
 * a service manager sends to all processes alike, are not for it: it leaves when those that record have left.
 * On failure: an exception that nobody caught ends it; its parent starts another, which goes on from the checkpoint.
 */
import path from 'node:path';
import { appendFileSync, statSync } from '../tree/files.ts';
import { redirectConsole } from '../tree/console.ts';
import { serve } from './serve.ts';

const MAX_LOG_BYTES = 1024 * 1024;
const directory = process.argv[2];
const logFile = path.join(directory, 'server.log');

function log(message: string): void {
  try {
    if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) return;
    appendFileSync(logFile, `${new Date().toISOString()} ${process.pid} ${message}\n`, { mode: 0o600 });
  } catch {
    // Nowhere to say it.
  }
}

redirectConsole(directory);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGTSTP', 'SIGUSR2'] as const) {
  try {
    process.on(signal, () => undefined);
  } catch {
    // Not on this platform.
  }
}
process.on('uncaughtException', (error) => {
  log(`ends because of an exception: ${error.stack ?? String(error)}`);
  process.exit(1);
});

const lingerMillis = Number(process.env['MSC_TELEMETRY_LINGER_MILLIS']);
const serving = serve({ directory, log, env: process.env, ...(lingerMillis >= 0 ? { lingerMillis } : {}) });
// Sockets of the exporter that were kept alive are of no use any more.
void Promise.resolve(serving?.ended).then(() => process.exit(0));
