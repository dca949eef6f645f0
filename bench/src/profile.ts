/**
 * `profile/*`: where the CPU of `path/cpu-per-sample` goes, by the product's folders: that of the server and of one writer, as
 * the operating system counts it while they are profiled, shared out as the time of their main threads is.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { blockSamples, openPath, recordAll, type Used } from './path.ts';
import { timeByGroup, type CpuProfile } from './profile-groups.ts';
import { median, type Measurement } from './results.ts';

const SERVER = fileURLToPath(new URL('programs/profiled-server.js', import.meta.url));
const FULL_TURN = 4096;
const BLOCKS = 4;
const WAIT_MILLIS = 20;

async function read(file: string): Promise<CpuProfile> {
  while (!existsSync(file)) await setTimeout(WAIT_MILLIS);
  for (;;) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
    } catch {
      // It is not whole yet.
      await setTimeout(WAIT_MILLIS);
    }
  }
}

/** `cpuNanos` is that of one sample. */
function asResults(who: string, profile: CpuProfile, cpuNanos: number): Measurement[] {
  const groups = timeByGroup(profile);
  const all = groups.reduce((sum, [, micros]) => sum + micros, 0);
  return groups.map(([group, micros]) => ({
    name: `profile/${who}/${group}`,
    unit: 'ns/sample',
    runs: [(micros / all) * cpuNanos],
  }));
}

export const profile: Bench = {
  names: ['profile/server', 'profile/writer'],
  async run(context) {
    // The modules themselves, and not the bundle that is made of them.
    const path = await openPath(context, { serverPath: SERVER, execArgv: ['--conditions=module'] });
    const { tree, writers } = path;
    const samples = await blockSamples(path, context, FULL_TURN);
    const [writer] = writers;
    await writer.ask('profile');
    process.kill(tree.pid, 'SIGUSR2');
    const used: Used[] = [];
    for (let block = 0; block < BLOCKS; block++) used.push(await recordAll(path, samples, FULL_TURN));
    process.kill(tree.pid, 'SIGUSR2');
    await writer.ask('endProfile', `${tree.directory}-writer.cpuprofile`);
    const server = await read(`${tree.directory}-server.cpuprofile`);
    const recording = await read(`${tree.directory}-writer.cpuprofile`);
    const perSample = (micros: readonly number[]): number => (median(micros) * 1000) / samples;
    return [
      ...asResults('server', server, perSample(used.map((block) => block.server))),
      ...asResults('writer', recording, perSample(used.map((block) => block.writers))),
    ];
  },
};
