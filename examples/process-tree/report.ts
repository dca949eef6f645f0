/** How each thread ended, and whether the telemetry knows of everything it did, as lines. */
import { formatCount, formatTable, type Paint } from '@multistorageclient/cli';
import type { ThreadVerdict } from './verdict.ts';

export function reportThreads(threads: readonly ThreadVerdict[], paint: Paint): string[] {
  const rows = threads.map((one) => [
    one.role,
    `${one.pid}${one.threadId === 0 ? '' : `, thread ${one.threadId}`}`,
    one.end,
    formatCount(one.started),
    formatCount(one.ended),
    formatCount(one.recorded),
    one.lost === 0 ? 'none' : `${formatCount(one.lost)} of its last turn`,
  ]);
  const header = ['who', 'process', 'ended by', 'started', 'ended', 'recorded', 'lost'];
  const [title, ...lines] = formatTable([header, ...rows], 3);
  const isWhole = threads.every(({ lost }) => lost === 0);
  return [
    paint('bold', 'counted by the program itself'),
    paint('bold', title),
    ...lines,
    isWhole ? 'Nothing was lost.' : 'SIGKILL took what its process had not written yet: its current turn.',
  ];
}
