/**
 * `node --import @multistorageclient/instrumentation/register app.js`: records the node:fs operations of a program.
 *
 * In: `MSC_TELEMETRY_CONFIG`, the metrics configuration as JSON; without it, the file that `MSC_CONFIG` names; without that,
 * every second goes to `msc-telemetry.jsonl`.
 * Out: nothing but telemetry, from the main thread, worker threads and child processes that inherit the option.
 * Invariant: the program runs as it would without. The telemetry server is left alone.
 * On failure: one line on stderr, and the program goes on unobserved.
 */
import { writeSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

const DEFAULT_CONFIG = {
  exporter: { type: 'file', options: { path: 'msc-telemetry.jsonl' } },
  reader: { options: { collect_interval_millis: 1000, export_interval_millis: 1000 } },
};

async function register(): Promise<void> {
  const { MSC_TELEMETRY_CONFIG: json, MSC_CONFIG: file } = process.env;
  const config = json ? JSON.parse(json) : file ? undefined : DEFAULT_CONFIG;
  // Imported here, so that not even a module that cannot be loaded stops the program.
  const { init } = await import('@multistorageclient/telemetry');
  const { patchFs } = await import('./patch-fs.ts');
  const operations = init().operations(config, {
    provider: 'file',
    attributes: { 'process.pid': process.pid, 'thread.id': threadId },
  });
  if (operations !== undefined) patchFs(operations);
}

if (process.env['MSC_TELEMETRY_SERVER'] !== '1') {
  try {
    await register();
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/gu, ' ');
    complain(reason);
  }
}

/** Not through `process.stderr`, whose errors come later, as events that nobody here could catch. */
function complain(reason: string): void {
  try {
    writeSync(2, `msc-telemetry: node:fs is not observed: ${reason}\n`);
  } catch {
    // There is no stderr to complain on.
  }
}
