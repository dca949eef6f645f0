/** `start/*`: what telemetry adds to the start of a program; each run is a fresh process. */
import type { Bench, Context } from './bench.ts';
import type { Methods } from './programs/start.ts';
import type { Measurement } from './results.ts';

const RUNS = 11;

async function measure(
  { place, isQuick }: Context,
  run: (program: ReturnType<typeof place.start<Methods>>) => Promise<number>,
): Promise<number[]> {
  const millis: number[] = [];
  for (let count = 0; count < (isQuick ? 1 : RUNS); count++) {
    const program = place.start<Methods>('start');
    millis.push(await run(program));
    await program.end();
  }
  await place.clear();
  return millis;
}

export const start: Bench = {
  names: ['start/import', 'start/init', 'start/server-ready'],
  async run(context) {
    const { place, wants } = context;
    const served = ({ millis, pid }: { millis: number; pid: number }): number => {
      place.adopt(pid);
      return millis;
    };
    const results: Measurement[] = [];
    const unit = 'ms';
    if (wants('start/import')) {
      const runs = await measure(context, (program) => program.ask('import'));
      results.push({ name: 'start/import', unit, runs, atMost: 10 });
    }
    if (wants('start/init')) {
      const runs = await measure(context, async (program) =>
        served(await program.ask('init', place.newDirectory())),
      );
      results.push({ name: 'start/init', unit, runs, atMost: 3 });
    }
    if (wants('start/server-ready')) {
      const runs = await measure(context, async (program) =>
        served(await program.ask('serverReady', place.newDirectory())),
      );
      results.push({ name: 'start/server-ready', unit, runs, atMost: 150 });
    }
    return results;
  },
};
