/** `record/*`, `counter/add`: one call, with its share of the journal's write, against that of OpenTelemetry's SDK. */
import type { AttributeCount } from './attribute-sets.ts';
import type { Bench, Context } from './bench.ts';
import { rawTo } from './place.ts';
import type { Methods, RecordJob } from './programs/record.ts';
import type { Goal, Measurement } from './results.ts';

const FORMS = ['bound', 'same-object', 'fresh-object', 'frozen-object'] as const;
type Form = (typeof FORMS)[number];

const GOALS: Readonly<Partial<Record<Form, Goal>>> = {
  bound: { atMost: 0.04, of: 'ratio' },
  'same-object': { atMost: 0.12, of: 'ratio' },
  'fresh-object': { atMost: 0.12, of: 'ratio' },
};
/** The cardinality that promises are about, with 7 attributes. */
const SETS = 100;
const GRID: readonly (readonly [AttributeCount, readonly number[]])[] = [
  [7, [SETS]],
  [7, [1, 10_000]],
  [0, [1]],
  [3, [1, 100, 10_000]],
  [15, [1, 100, 10_000]],
];

const named = (form: Form, attributes: AttributeCount, sets: number): string =>
  attributes === 7 && sets === SETS ? `record/${form}` : `record/${form}/${attributes}x${sets}`;

async function job(
  { place, isQuick }: Context,
  attributes: AttributeCount,
  sets: readonly number[],
): Promise<RecordJob> {
  const { url } = await place.sink();
  const { directory } = await place.tree();
  return {
    directory,
    metrics: rawTo(url, { cardinality_limit: 20_000 }),
    attributes,
    sets,
    blocks: isQuick ? 2 : 9,
    calls: isQuick ? 4096 : sets.includes(SETS) && attributes === 7 ? 65_536 : 16_384,
  };
}

async function gauges(
  context: Context,
  attributes: AttributeCount,
  sets: readonly number[],
): Promise<Measurement[]> {
  context.say(`${attributes} attributes`);
  const program = context.place.start<Methods>('record');
  const runs = await program.ask('gauges', await job(context, attributes, sets));
  const results = sets.flatMap((count) =>
    FORMS.map((form) => {
      const name = named(form, attributes, count);
      const sdk = form === 'fresh-object' ? 'otel-fresh' : 'otel-same';
      const baseline = { name: 'otel-js gauge.record', runs: runs[`${sdk}/${count}`] };
      const goal = name === `record/${form}` ? GOALS[form] : undefined;
      return { name, unit: 'ns', runs: runs[`${form}/${count}`], baseline, ...goal };
    }),
  );
  await context.place.clear();
  return results;
}

export const record: Bench = {
  names: FORMS.map((form) => `record/${form}`),
  async run(context) {
    const results: Measurement[] = [];
    for (const [attributes, counts] of GRID) {
      const sets = counts.filter((count) =>
        FORMS.some((form) => context.wants(named(form, attributes, count))),
      );
      if (sets.length > 0) results.push(...(await gauges(context, attributes, sets)));
    }
    return results;
  },
};

export const counter: Bench = {
  names: ['counter/add', 'counter/add-unbound'],
  async run(context) {
    const program = context.place.start<Methods>('record');
    const runs = await program.ask('counters', await job(context, 7, [SETS]));
    await context.place.clear();
    const baseline = { name: 'otel-js counter.add', runs: runs['otel'] };
    return [
      { name: 'counter/add', unit: 'ns', runs: runs['bound'], baseline, atMost: 0.01, of: 'ratio' },
      { name: 'counter/add-unbound', unit: 'ns', runs: runs['same-object'], baseline },
    ];
  },
};
