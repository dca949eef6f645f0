/**
 * Records until SIGTERM, turn by turn. A listener of its own takes its time before it ends the process.
 */
import { init } from '../../../src/index.ts';
import { type Burst, record } from '../burst.ts';
import { readJob, say } from '../job.ts';

interface Job {
  readonly burst: Burst;
  readonly directory: string;
  /** When the program's own listener is added, if it has one. */
  readonly listener?: 'before' | 'after';
  readonly once?: boolean;
}

const { burst, directory, listener, once } = readJob() as Job;

function onSignal(signal: NodeJS.Signals): void {
  say({ heard: signal });
  setTimeout(() => process.exit(7), 100);
}

function listen(): void {
  if (once) process.once('SIGTERM', onSignal);
  else process.on('SIGTERM', onSignal);
}

if (listener === 'before') listen();
init({ address: directory });
if (listener === 'after') listen();
// JSON has no Infinity.
record({ ...burst, count: burst.count ?? Infinity }, () => undefined);
