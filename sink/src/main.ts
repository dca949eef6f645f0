/**
 * The sink as a process of its own: `node main.js [--port N] [--json]`.
 *
 * The first line on stdout is the url, as soon as the sink listens. SIGTERM or SIGINT ends it and prints the account:
 * requests and points, in all and per metric; with --json as one JSON object in one line.
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startSink } from './sink.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, json: { type: 'boolean', default: false } },
});
const port = Number(values.port);
if (!/^\d+$/.test(values.port) || port > 65535) {
  console.error(`--port: got ${values.port}, expected 0 to 65535`);
  process.exit(2);
}

const sink = await startSink({ port });
console.log(sink.url);
await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
await sink.close();

const account = {
  requests: sink.requests,
  acceptedRequests: sink.acceptedRequests,
  duplicateRequests: sink.duplicateRequests,
  points: sink.points.length,
  duplicatePoints: sink.duplicatePoints,
  rejectedPoints: sink.rejectedPoints,
  ...(sink.spans.length > 0 && { spans: sink.spans.length, duplicateSpans: sink.duplicateSpans }),
};
const metrics = Object.fromEntries(sink.points.counts());
if (values.json) {
  console.log(JSON.stringify({ ...account, metrics }));
} else {
  for (const [name, count] of Object.entries({ ...account, ...metrics })) console.log(`${name}\t${count}`);
}
