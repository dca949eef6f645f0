/**
 * A CPU profile of this process, from inside of it.
 *
 * In: nothing. Out: a file in the format of `--cpu-prof`, written synchronously: at a process's exit, too.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

const INTERVAL_MICROS = 500;

export interface Profiling {
  end(file: string): void;
}

export function startProfile(): Profiling {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: INTERVAL_MICROS });
  session.post('Profiler.start');
  return {
    end(file) {
      // The answer comes before `post` returns.
      session.post('Profiler.stop', (_error, { profile }) => writeFileSync(file, JSON.stringify(profile)));
      session.disconnect();
    },
  };
}
