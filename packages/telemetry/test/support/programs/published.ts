/** Records through the package as programs get it, and says which modules of it were loaded, and what serves the tree. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { readJob, say } from '../job.ts';
import type { MetricsOptions } from '../../../src/index.ts';

export interface PublishedJob {
  readonly directory: string;
  readonly config: MetricsOptions;
}

const loaded: string[] = [];
registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});

const { directory, config } = readJob() as PublishedJob;
const { init, readTreeStatus, TelemetryError } = await import('@multistorageclient/telemetry');
const imported = [...loaded];
const telemetry = init({ mode: 'server', address: directory });
telemetry.meter(config)!.createCounter('counter').add(1);
await telemetry.forceFlush();
const { server } = readTreeStatus(directory);
const command = readFileSync(`/proc/${server?.pid}/cmdline`, 'utf8').split('\0');

const { loadConfiguration } = await import('@multistorageclient/telemetry/config');
let isSameError = false;
try {
  loadConfiguration('/nowhere/msc.yaml', {});
} catch (error) {
  isSameError = error instanceof TelemetryError;
}
say({ imported, command, isSameError });
