/** `npm run -s bench -- --json | node bench/dist/src/report.js`: docs/performance.md from the last line of a run. */
import { text } from 'node:stream/consumers';
import { reportText } from './report-text.ts';
import type { Report } from './results.ts';

const lines = (await text(process.stdin)).trimEnd().split('\n');
const last = lines.at(-1) ?? '';
if (!last.startsWith('{')) {
  console.error(
    'expected the output of `npm run -s bench -- --json` on stdin: its last line is a JSON object',
  );
  process.exit(2);
}
process.stdout.write(reportText(JSON.parse(last) as Report));
