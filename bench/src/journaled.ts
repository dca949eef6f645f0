/** A program's telemetry in a tree of the bench: nothing that it records may be dropped, or what is measured is not recording. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { init, TelemetryMode, type InitOptions, type Telemetry } from '@multistorageclient/telemetry';

export function join(directory: string, options: InitOptions = {}): Telemetry {
  return init({ mode: TelemetryMode.CLIENT, address: directory, ...options });
}

export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Waits until the server has left no more than so many segments of all journals; the last one of each is never deleted. */
export async function settle(directory: string, maxSegments = 8): Promise<void> {
  await turn();
  while (segments(directory) > maxSegments) await sleep(10);
}

/** @throws Error where anything was dropped. */
export function checkNothingDropped(telemetry: Telemetry): void {
  const { dropped } = telemetry.stats();
  if (Object.keys(dropped).length > 0) throw new Error(`dropped: ${JSON.stringify(dropped)}`);
}

function segments(directory: string): number {
  const names = readdirSync(path.join(directory, 'journals'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.segment')).length;
}
