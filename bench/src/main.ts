/** `npm run bench [-- NAME… --json]`: figures that the docs quote. */
import { parseArgs } from 'node:util';
import { idle } from './idle.ts';
import { asLine, machine, median, type Bench, type Result } from './results.ts';

const BENCHES: Readonly<Record<string, Bench>> = { idle };
const names = Object.keys(BENCHES).join(', ');
const USAGE = `npm run bench -- [NAME…] [--json]

  NAME    ${names}; default: all
  --json  one JSON object on the last line
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, help: { type: 'boolean' } },
});
const unknown = positionals.filter((name) => !(name in BENCHES));
if (values.help === true || unknown.length > 0) {
  if (unknown.length > 0) console.error(`unknown bench ${unknown.join(', ')}: expected ${names}`);
  console.log(USAGE);
  process.exit(unknown.length > 0 ? 2 : 0);
}
console.log(machine());
const results: Result[] = [];
for (const [name, bench] of Object.entries(BENCHES)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  // One after the other: they would disturb each other.
  for (const result of await bench()) {
    results.push(result);
    console.log(asLine(result));
  }
}
if (values.json === true) {
  const rows = results.map((result) => ({ ...result, median: median(result) }));
  console.log(JSON.stringify({ machine: machine(), results: rows }));
}
