/** An idle server: a tree with one live writer that records nothing, CPU by the operating system's accounting. */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { init, TelemetryMode, TelemetryServer } from '@multistorageclient/telemetry';
import type { Result } from './results.ts';

const RUNS = 5;
const RUN_MILLIS = 4000;
/** Linux counts in ticks of 10 ms. */
const TICK_MILLIS = 10;

export async function idle(): Promise<Result[]> {
  const server = new TelemetryServer();
  await server.start();
  const telemetry = init({ mode: TelemetryMode.CLIENT, address: server.address });
  const file = path.join(tmpdir(), `msc-telemetry-bench-${process.pid}.jsonl`);
  const counter = telemetry
    .meter({ exporter: { type: 'file', options: { path: file } } })
    ?.createCounter('idle');
  counter?.add(1);
  await telemetry.forceFlush();
  const pid = server.status().server?.pid ?? 0;
  await setTimeout(2000);
  const cpu: number[] = [];
  const rss: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const before = cpuMillis(pid);
    // One run after the other: they measure the same process.
    await setTimeout(RUN_MILLIS);
    cpu.push(((cpuMillis(pid) - before) / RUN_MILLIS) * 100);
    rss.push(rssMegabytes(pid));
  }
  await telemetry.shutdown();
  await server.stop();
  return [
    { name: 'idle/cpu', unit: '% of a core', runs: cpu, atMost: 0.5 },
    { name: 'idle/rss', unit: 'MB', runs: rss, atMost: 80 },
  ];
}

function cpuMillis(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MILLIS;
}

function rssMegabytes(pid: number): number {
  const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes) * 1024) / 1e6;
}
