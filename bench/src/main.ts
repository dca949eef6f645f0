/** `npm run bench [-- NAME… --json --help]`: figures that the docs quote. */
import { parseArgs } from 'node:util';
import { VERSION } from '@multistorageclient/telemetry';
import { BENCHES } from './catalogue.ts';
import { asLine } from './format.ts';
import { Place } from './place.ts';
import { machine, resultOf, type Report, type Result } from './results.ts';
import { isNeeded, isSelected, unknownNames } from './select.ts';

const names = BENCHES.flatMap((bench) => bench.names);
const USAGE = `npm run bench -- [NAME…] [--json] [--quick]

  NAME     a result, or the beginning of some: ${[...new Set(names.map((name) => name.split('/')[0]))].join(', ')};
           default: all, which takes some nine minutes
  --json   one JSON object on the last line
  --quick  tiny sizes: whether everything works, and no figures to quote

${names.join('\n')}
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, help: { type: 'boolean' } },
});
const unknown = unknownNames(positionals, names);
if (values.help === true || unknown.length > 0) {
  if (unknown.length > 0) console.error(`no such bench: ${unknown.join(', ')}; see --help`);
  else console.log(USAGE);
  process.exit(unknown.length > 0 ? 2 : 0);
}

// Nothing of a tree that this runs in, nor of what instruments it.
for (const name of Object.keys(process.env)) {
  if (/^(NODE_OPTIONS$|MSC_|OTEL_)/.test(name)) delete process.env[name];
}
const startedMillis = Date.now();
const isColoured = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const wants = (name: string): boolean => isSelected(positionals, name);
const place = new Place();
const results: Result[] = [];
let failures = 0;
process.on('exit', () => place.remove());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

console.log(machine());
for (const bench of BENCHES) {
  if (!bench.names.some((name) => isNeeded(positionals, name))) continue;
  const title = bench.names[0].split('/')[0];
  const say = (text: string): void => console.error(`… ${title}: ${text}`);
  try {
    // One after the other: they would disturb each other.
    const found = await bench.run({ wants, isQuick: values.quick === true, place, say });
    for (const result of found.filter(({ name }) => wants(name)).map(resultOf)) {
      results.push(result);
      console.log(asLine(result, isColoured));
    }
  } catch (error) {
    failures++;
    console.error(`${bench.names.join(', ')}: ${error instanceof Error ? error.stack : String(error)}`);
  }
  await place.clear();
}
if (values.json === true) {
  const seconds = Math.round((Date.now() - startedMillis) / 1000);
  console.log(JSON.stringify({ machine: machine(), version: VERSION, seconds, results } satisfies Report));
}
process.exit(failures > 0 ? 1 : 0);
