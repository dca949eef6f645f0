/**
 * `operation/*`: one storage operation from start to end, its six metrics and the journal's write included. The main figure is
 * without the turns of the event loop, which a program takes anyway; `…/with-turn` is all of it.
 */
import type { Bench, Context } from './bench.ts';
import { rawTo } from './place.ts';
import type { Methods } from './programs/operation.ts';
import { median, type Measurement } from './results.ts';

const CASES = [
  { name: '100-a-turn', flush: 'turn', perTurn: 100, turns: 250, atMost: 2 },
  { name: '1-a-turn', flush: 'turn', perTurn: 1, turns: 10_000, atMost: 5 },
  { name: 'flush-record', flush: 'record', perTurn: 100, turns: 100, atMost: 6 },
] as const;

const micros = (nanos: number): number => nanos / 1000;

async function measure(
  { place, isQuick }: Context,
  { name, flush, perTurn, turns, atMost }: (typeof CASES)[number],
): Promise<Measurement[]> {
  const { url } = await place.sink();
  const { directory } = await place.tree();
  const program = place.start<Methods>('operation');
  const { ours, turn, otel } = await program.ask('operations', {
    directory,
    metrics: rawTo(url),
    flush,
    perTurn,
    turns: isQuick ? Math.ceil(turns / 50) : turns,
    blocks: isQuick ? 2 : 9,
  });
  await place.clear();
  const turnNanos = median(turn) / perTurn;
  const without = (nanos: number): number => micros(nanos - turnNanos);
  const what = 'otel-js 3 gauge.record + 3 counter.add';
  return [
    {
      name: `operation/${name}`,
      unit: 'µs',
      runs: ours.map(without),
      baseline: { name: what, runs: otel.map(without) },
      atMost,
    },
    {
      name: `operation/${name}/with-turn`,
      unit: 'µs',
      runs: ours.map(micros),
      baseline: { name: `${what}, with the turn`, runs: otel.map(micros) },
      note: `an empty turn takes ${micros(median(turn)).toFixed(2)} µs`,
    },
  ];
}

export const operation: Bench = {
  names: CASES.map(({ name }) => `operation/${name}`),
  async run(context) {
    const results: Measurement[] = [];
    for (const each of CASES) {
      if (context.wants(`operation/${each.name}`)) results.push(...(await measure(context, each)));
    }
    return results;
  },
};
