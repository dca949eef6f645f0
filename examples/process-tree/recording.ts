import type fs from 'node:fs';
import { threadId } from 'node:worker_threads';
import { instrumentFs } from '@multistorageclient/instrumentation';
import type { MetricsOptions, Telemetry } from '@multistorageclient/telemetry';

export type FileSystem = typeof fs;

/** node:fs that records into a tree. Process and thread are attributes, so that the summary can tell them apart. */
export function recordingFs(telemetry: Telemetry, config: MetricsOptions): FileSystem {
  const attributes = { 'process.pid': process.pid, 'thread.id': threadId };
  return instrumentFs({ operations: telemetry.operations(config, { provider: 'file', attributes }) });
}
