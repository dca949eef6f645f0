/** What the operating system says that a process has used. */
import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in ticks of 10 ms where it does not count in nanoseconds. */
const TICK_MICROS = 10_000;

/** CPU of all threads of another process, in microseconds: of the scheduler's statistics, else in ticks. */
export function cpuMicrosOf(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    let nanos = 0;
    for (const thread of threads) {
      nanos += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
    return nanos / 1000;
  } catch {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
  }
}

export function rssMegabytesOf(pid: number): number {
  const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes) * 1024) / 1e6;
}

/** CPU of all threads of this process, system calls included, in microseconds. */
export function ownCpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
