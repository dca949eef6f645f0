import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { TelemetryError } from '../../src/errors.ts';
import { ConsoleSpansExporter } from '../../src/exporters/console-spans.ts';
import type { ExporterConfig } from '../../src/exporters/exporter.ts';
import { FileExporter, MetricsFileExporter } from '../../src/exporters/file.ts';
import { loadExporter, loadSpansExporter } from '../../src/exporters/load.ts';
import { OtlpExporter } from '../../src/exporters/otlp-exporter.ts';
import { OtlpMetricsExporter } from '../../src/exporters/otlp-metrics.ts';
import { PushExporter } from '../../src/exporters/push-exporter.ts';
import { otlpConfig } from './backend.ts';
import { batchOf, gauge, RESOURCE } from './batches.ts';
import { importOf, modulesLoadedBy, writeProgram } from './programs.ts';
import { span, spanBatchOf } from './span-batches.ts';

const CLASS = `class Recorder {
  constructor(options) { this.options = options; }
  export(metrics, done) { this.options.seen?.push(metrics); done({ code: 0 }); }
  async forceFlush() {}
  async shutdown() {}
}`;

function custom(type: string, directory: string, file: string, options: object = {}): ExporterConfig {
  return { type, options: { ...options }, module: pathToFileURL(join(directory, file)).href };
}

async function refusal(config: ExporterConfig): Promise<string> {
  try {
    await loadExporter(config);
  } catch (error) {
    assert.ok(error instanceof TelemetryError);
    assert.equal(error.code, 'MSC_EXPORTER_UNUSABLE');
    assert.ok(error.cause !== undefined);
    return error.message;
  }
  return 'loaded';
}

suite('loading an exporter', () => {
  test('the built-in ones', async () => {
    assert.ok((await loadExporter({ type: 'console', options: {} })) instanceof PushExporter);
    assert.ok((await loadExporter({ type: 'file', options: { path: '/x' } })) instanceof MetricsFileExporter);
    const options = { ...otlpConfig('http://localhost:4318/v1/metrics') };
    assert.ok((await loadExporter({ type: 'otlp', options })) instanceof OtlpMetricsExporter);
    const { protocol, ...former } = options;
    assert.equal(protocol, 'http/protobuf');
    const exporter = await loadExporter({ type: 'otlp', options: former });
    assert.ok(exporter instanceof OtlpMetricsExporter, 'as journals of 0.1.0 have it');
  });

  test('a class of an ECMAScript or CommonJS module, with its options', async (t) => {
    const directory = writeProgram(t, {
      'named.mjs': `export ${CLASS}`,
      'default.mjs': `export default ${CLASS}`,
      'named.cjs': `${CLASS} module.exports = { Recorder };`,
      'hidden.cjs': `${CLASS} module.exports = Object.assign({}, { ['Rec' + 'order']: Recorder });`,
    });
    const seen: unknown[] = [];
    const configs = [
      custom('x#Recorder', directory, 'named.mjs', { seen }),
      custom('x#default', directory, 'default.mjs', { seen }),
      custom('x#Recorder', directory, 'named.cjs', { seen }),
      custom('x#Recorder', directory, 'hidden.cjs', { seen }),
    ];
    const exporters = await Promise.all(configs.map(loadExporter));
    await Promise.all(exporters.map((exporter) => exporter.export(batchOf(gauge([1])), 1000)));
    assert.equal(seen.length, 4);
  });

  test('every failure says which exporter and why', async (t) => {
    const directory = writeProgram(t, {
      'throwing.mjs': 'throw new Error("bad day");',
      'syntax.mjs': 'export class {',
      'other.mjs': 'export class Other {} export const Value = 5;',
      'constructor.mjs': 'export class Broken { constructor() { throw new Error("no key"); } }',
      'literal.mjs': 'export class Broken { constructor() { throw "no key"; } }',
    });
    const cases: [ExporterConfig, RegExp][] = [
      [custom('a#B', directory, 'missing.mjs'), /^exporter "a#B" cannot be loaded: Cannot find module/],
      [custom('a#B', directory, 'throwing.mjs'), /: bad day$/],
      [custom('a#B', directory, 'syntax.mjs'), /cannot be loaded: Unexpected token/],
      [custom('a#B', directory, 'other.mjs'), /other\.mjs exports no class B$/],
      [custom('a#Value', directory, 'other.mjs'), /exports no class Value$/],
      [
        custom('a#Other', directory, 'other.mjs'),
        /Other is no metric exporter: expected the methods export, /,
      ],
      [custom('a#Broken', directory, 'constructor.mjs'), /: no key$/],
      [custom('a#Broken', directory, 'literal.mjs'), /: "no key"$/],
      [{ type: 'a#B', options: {} }, /its module was not resolved$/],
      [{ type: 'file', options: {} }, /its options were not resolved$/],
      [{ type: 'otlp', options: { ...otlpConfig('nowhere') } }, /its options were not resolved$/],
    ];
    const messages = await Promise.all(cases.map(([config]) => refusal(config)));
    for (const [index, [, expected]] of cases.entries()) assert.match(messages[index], expected);
  });

  test('only what is used is loaded: a file and OTLP need no SDK', () => {
    const imported = `(${importOf('../../src/exporters/load.js')})`;
    const otlp = JSON.stringify({ type: 'otlp', options: otlpConfig('http://127.0.0.1:1/') });
    const programs = {
      'file.js': `${imported}.loadExporter({ type: 'file', options: { path: '/x' } });`,
      'otlp-metrics.js': `${imported}.loadExporter(${otlp});`,
      'otlp-traces.js': `${imported}.loadSpansExporter(${otlp});`,
    };
    for (const [file, program] of Object.entries(programs)) {
      const urls = modulesLoadedBy(`await ${program}`);
      assert.ok(urls.some((url) => url.endsWith(`/exporters/${file}`)));
      const packages = urls.filter(
        (url) => url.includes('node_modules') && !/@opentelemetry\/api\//.test(url),
      );
      assert.deepEqual(packages, []);
    }
    const load = `await ${imported}.loadExporter`;
    const forConsole = modulesLoadedBy(`${load}({ type: 'console', options: {} });`);
    assert.ok(forConsole.some((url) => url.includes('@opentelemetry/sdk-metrics')));
    assert.deepEqual(
      forConsole.filter((url) => /otlp-(http|transport|transformer)/.test(url)),
      [],
    );
  });

  test('console prints to standard output', () => {
    const program = `
      const exporter = await (${importOf('../../src/exporters/load.js')}).loadExporter({ type: 'console', options: {} });
      const { batchOf, gauge } = ${importOf('batches.js')};
      const { status } = await exporter.export(batchOf(gauge([0.125])), 1000);
      console.log(status);
      await exporter.shutdown();
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    assert.match(output, /name: 'latency'/);
    assert.match(output, /endTime: \[ 1700000000, 123456789 \]/);
    assert.match(output, /value: 0\.125/);
    assert.match(output, /accepted\n$/);
  });
});

suite('loading an exporter of spans', () => {
  const BATCH = spanBatchOf([RESOURCE, [span('a')]]);

  test('the built-in ones', async () => {
    assert.ok((await loadSpansExporter({ type: 'console', options: {} })) instanceof ConsoleSpansExporter);
    assert.ok((await loadSpansExporter({ type: 'file', options: { path: '/x' } })) instanceof FileExporter);
    const options = { ...otlpConfig('http://localhost:4318/v1/traces') };
    assert.ok((await loadSpansExporter({ type: 'otlp', options })) instanceof OtlpExporter);
  });

  test('metrics and spans may go to one file', async (t) => {
    const path = join(writeProgram(t, {}), 'telemetry.jsonl');
    const config = { type: 'file', options: { path } };
    await (await loadExporter(config)).export(batchOf(gauge([1])), 5000);
    await (await loadSpansExporter(config)).export(BATCH, 5000);
    appendFileSync(path, '{"resourceSp');
    await (await loadExporter(config)).export(batchOf(gauge([2])), 5000);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => Object.keys(JSON.parse(line) as object)),
      [['resourceMetrics'], ['resourceSpans'], ['resourceMetrics']],
    );
  });

  test('a class, with its options', async (t) => {
    const directory = writeProgram(t, { 'named.mjs': `export ${CLASS}` });
    const seen: { name: string }[][] = [];
    const exporter = await loadSpansExporter(custom('x#Recorder', directory, 'named.mjs', { seen }));
    assert.equal((await exporter.export(BATCH, 1000)).status, 'accepted');
    assert.deepEqual(
      seen.map((spans) => spans.map(({ name }) => name)),
      [['a']],
    );
  });

  test('a class that is no span exporter is refused', async (t) => {
    const directory = writeProgram(t, { 'other.mjs': 'export class Other {}' });
    await assert.rejects(loadSpansExporter(custom('a#Other', directory, 'other.mjs')), {
      code: 'MSC_EXPORTER_UNUSABLE',
      message: /Other is no span exporter: expected the methods export and shutdown$/,
    });
  });
});
