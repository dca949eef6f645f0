/**
 * docs/performance.md, made from the JSON of a run.
 *
 * In: a report, of which parts may be missing. Out: Markdown. Every figure comes from the report; the prose says how it was
 * taken and what it means, whatever it is.
 */
import { comparison, figure, goal, verdict } from './format.ts';
import { table } from './report-table.ts';
import type { Report, Result } from './results.ts';

type Section = (report: Found) => string | undefined;

/** The results by name. */
class Found {
  readonly report: Report;
  readonly #byName: ReadonlyMap<string, Result>;

  constructor(report: Report) {
    this.report = report;
    this.#byName = new Map(report.results.map((result) => [result.name, result]));
  }

  get(name: string): Result | undefined {
    return this.#byName.get(name);
  }

  below(prefix: string): Result[] {
    return this.report.results.filter(({ name }) => name.startsWith(`${prefix}/`));
  }
}

const code = (name: string): string => `\`${name}\``;
const spread = ({ low, high, runs }: Result): string =>
  runs === 1 ? '' : `${figure(low)}–${figure(high)} of ${runs}`;
const medianOf = (result: Result | undefined): string => (result === undefined ? '' : figure(result.median));
const measured = (result: Result): string[] => [`${figure(result.median)} ${result.unit}`, spread(result)];

/** One row each: name, median, spread, comparison, note; `undefined` where there is none. */
function rows(title: string, prose: string, results: readonly (Result | undefined)[]): string | undefined {
  const found = results.filter((result) => result !== undefined);
  if (found.length === 0) return undefined;
  const cells = found.map((result) => [
    code(result.name),
    ...measured(result),
    comparison(result),
    result.note ?? '',
  ]);
  const header = ['', 'median', 'low–high', 'compared with', ''];
  return `## ${title}\n\n${prose}\n\n${table(header, cells, ['compared with', ''])}`;
}

const head: Section = ({ report: { machine, version, seconds } }) => `# Performance

Made by \`npm run bench\` from one run; do not edit. To repeat it, and to write this page anew:

\`\`\`sh
npm run bench                       # all of it, in less than ten minutes; -- --help names the parts
npm run bench -- record/bound       # a part
npm run -s bench -- --json | node bench/dist/src/report.js > docs/performance.md
\`\`\`

Version ${version} on ${machine}; ${Math.round(seconds / 60)} minutes. Medians, with the lowest and the highest of all runs. What is
compared was measured in the same run, a block of each in turn, so that noise of the machine meets both. CPU is that of
the operating system's accounting: system calls, garbage collection and compilation included.`;

const promises: Section = ({ report }) => {
  const promised = report.results.filter((result) => verdict(result) !== '');
  if (promised.length === 0) return undefined;
  const cells = promised.map((result) => [
    code(result.name),
    ...measured(result),
    comparison(result),
    goal(result),
    verdict(result),
  ]);
  const missed = promised.filter((result) => verdict(result) === 'missed');
  const sum = `${promised.length - missed.length} of ${promised.length} are met in this run.`;
  const header = ['', 'median', 'low–high', 'compared with', 'promised', ''];
  return `## What is promised\n\n${sum}\n\n${table(header, cells, ['compared with', 'promised', ''])}`;
};

const FORMS = ['bound', 'same-object', 'fresh-object', 'frozen-object'] as const;

const recording: Section = (found) => {
  const shapes = new Set(
    found.below('record').flatMap(({ name }) => /^record\/[a-z-]+\/(\d+x\d+)$/.exec(name)?.[1] ?? []),
  );
  if (found.get('record/bound') !== undefined) shapes.add('7x100');
  if (shapes.size === 0) return undefined;
  const sorted = [...shapes].toSorted((a, b) => {
    const [attributes, sets] = [a, b].map((shape) => shape.split('x').map(Number));
    return attributes[0] - sets[0] || attributes[1] - sets[1];
  });
  const cells = sorted.map((shape) => {
    const [attributes, sets] = shape.split('x');
    const all = FORMS.map((form) => found.get(`record/${form}${shape === '7x100' ? '' : `/${shape}`}`));
    const otel = all[1]?.baselineMedian ?? all[0]?.baselineMedian;
    const ours = all.map(medianOf);
    return [
      attributes,
      Number(sets).toLocaleString('en-US'),
      ...ours,
      otel === undefined ? '' : figure(otel),
    ];
  });
  const header = ['attributes', 'sets', ...FORMS, 'OpenTelemetry'];
  return `## One record

Nanoseconds of CPU of one \`gauge.record\`, with its share of the journal's write: 65,536 records in one turn of the event loop (16,384
in the grid), which fill a batch of 4,096 rows each. *Bound* has its attributes looked up once, by \`bind\`; *same-object* passes one object per set,
again and again; *fresh-object* a new literal at each call, *frozen-object* one that is frozen. Sets come in an order without a pattern.
OpenTelemetry's is \`gauge.record\` of its SDK with the same objects, which keeps the last value only.

${table(header, cells)}`;
};

const peers: Section = (found) =>
  rows(
    'The same call elsewhere',
    'A gauge, seven labels, 100 sets of them. What is kept differs: a last value, a text in a packet, a remote call; here every sample.',
    [found.get('record/same-object'), ...found.below('record/peer')],
  );

const sums: Section = (found) =>
  rows(
    'Counters and operations',
    `An operation is its start and its end with status and bytes, from which six metrics come. The main figure is without the turns of the event
loop, which a program takes anyway; \`with-turn\` is all of it. OpenTelemetry's is what a program does for the same: the clock, three
gauges, three counters.`,
    [found.get('counter/add'), found.get('counter/add-unbound'), ...found.below('operation')],
  );

const encoding: Section = (found) =>
  rows(
    'Encoding',
    'One request of 16,384 raw points with seven attributes: of 100 series, and of as many series as points. Compression is that of the exporter.',
    [
      found.get('encode/otlp'),
      ...found.below('encode/otlp'),
      found.get('encode/gzip'),
      found.get('encode/zstd'),
    ],
  );

const CPU = ['path/cpu-per-sample', 'path/cpu-per-sample-gzip', 'path/cpu-per-sample-zstd'];

const path: Section = (found) =>
  rows(
    'The whole path',
    `CPU of the writers and of the server from \`record\` to the request that has been answered, per raw sample: two writers (one, where few are
recorded in a turn), 100 series of seven attributes, OTLP over HTTP to a sink on the same machine whose CPU counts for nobody. Turns of 4,096
samples, or as many as the name says. The same made of OpenTelemetry's parts, in one process: \`gauge.record\`, a data point
for each sample, its serializer, HTTP.`,
    [
      ...CPU.flatMap((name) => [found.get(name), ...found.below(name)]),
      ...found.below('path/sparse'),
      ...found.below('path').filter(({ name }) => name.startsWith('path/otel-parts')),
    ],
  );

const throughput: Section = (found) =>
  rows(
    'Throughput',
    `Two writers, 4,096 samples a turn, for a minute. They hold back where more than 24 MiB of their journals wait, so that nothing is dropped: the rate is that of
the slowest part. It is what the sink has counted over the time from the first record to the last arrival, and what is missing of what was
recorded must be 0. Memory: the median of the last quarter of the time, compared with that of the first.`,
    ['path/throughput', 'path/throughput-gzip'].flatMap((name) => [found.get(name), ...found.below(name)]),
  );

const latency: Section = (found) =>
  rows(
    'Latency',
    `From the time of a sample to the arrival of its request, with an export interval of 1000 and of 100 ms; one writer, ten samples every 10 ms. It is the
interval that decides.`,
    found.below('path/latency'),
  );

const growth: Section = (found) =>
  rows(
    'How cost grows',
    `CPU of the whole path per sample: a million samples in each run, or 16,384 of each writer, 1,024 a turn. Up to 16 writers are processes; 64 and 256
are worker threads of 16 processes. Series are defined before what is measured, and recorded one after the other; in random order each of a hundred
thousand is a miss in every cache of the processor, at the writer as at the server.`,
    [...found.below('scale/writers'), ...found.below('scale/series')],
  );

const start: Section = (found) =>
  rows(
    'Starting, and doing nothing',
    `Fresh processes: the import of the recording side where \`@opentelemetry/api\` is loaded, how long \`init\` holds the main thread while it starts a
server, and when that serves. An idle server has one live writer that has recorded once;
\`1000-ms\` is with an export each second instead of the default.`,
    [...found.below('start'), ...found.below('idle')],
  );

const profiles: Section = (found) => {
  const parts = (['server', 'writer'] as const).map((who) => {
    const groups = found.below(`profile/${who}`);
    if (groups.length === 0) return undefined;
    const all = groups.reduce((sum, { median }) => sum + median, 0);
    const cells = groups
      .filter(({ median }) => median / all >= 0.005)
      .map(({ name, median }) => [
        name.slice(`profile/${who}/`.length),
        figure(median),
        `${Math.round((median / all) * 100)} %`,
      ]);
    return table([who, 'ns/sample', 'share'], cells);
  });
  if (parts.every((part) => part === undefined)) return undefined;
  const tables = parts.filter((part) => part !== undefined).join('\n\n');
  return `## Where the time goes

The CPU of \`path/cpu-per-sample\`, shared out as the time of the main threads is, by the folders of \`packages/telemetry/src\`; the profiler itself
costs something. Built-in functions count for their callers: a \`writev\` for the sockets, a \`hrtime\` for the clock.

${tables}`;
};

const physical: Section = (found) => {
  const limits = found.below('limits');
  const text = rows(
    'What cannot be left out',
    'Measured in the same run: what the machine takes for a look at the clock, for a byte that is copied, written or sent.',
    [...limits, found.get('encode/gzip')],
  );
  const [clock, append, loopback] = ['clock', 'append', 'loopback'].map(
    (name) => found.get(`limits/${name}`)?.median,
  );
  const whole = found.get('path/cpu-per-sample')?.median;
  if (text === undefined || clock === undefined || append === undefined || loopback === undefined)
    return text;
  const least = clock + 2 * append + loopback;
  const share =
    whole === undefined ? '' : `, ${figure((least / (whole * 1000)) * 100)} % of \`path/cpu-per-sample\``;
  return `${text}

One look at the clock, one write of the row and its reading (taken to be as dear), and one write of the point to a socket: ${figure(least)} ns a sample${share}. The rest is
ours, or Node's.`;
};

const SECTIONS: readonly Section[] = [
  head,
  promises,
  recording,
  peers,
  sums,
  encoding,
  path,
  throughput,
  latency,
  growth,
  start,
  profiles,
  physical,
];

export function reportText(report: Report): string {
  const found = new Found(report);
  const texts = SECTIONS.map((section) => section(found)).filter((text) => text !== undefined);
  return `${texts.join('\n\n')}\n`;
}
