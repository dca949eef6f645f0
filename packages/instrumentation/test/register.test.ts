import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { CounterName } from '@multistorageclient/telemetry';
import { inFreshDirectory } from './fs/conformance.ts';
import { type Ran, runProgram } from './program.ts';

/** Stands in for the telemetry: writes what it is asked, and counts what it is told. */
const TELEMETRY = `
  import { writeSync } from 'node:fs';
  export function init() {
    return {
      operations(config, options) {
        let started = 0;
        process.on('exit', () => writeSync(1, 'told ' + JSON.stringify({ config, options, started }) + '\\n'));
        if (config.exporter === undefined) return undefined;
        return { start: (name) => (started++, { succeed() {}, fail() {} }) };
      },
    };
  }`;

const module = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

const instead = (telemetry: string): string =>
  module(`
    import { registerHooks } from 'node:module';
    const resolve = (specifier, context, next) =>
      specifier === '@multistorageclient/telemetry'
        ? { url: ${JSON.stringify(module(telemetry))}, shortCircuit: true }
        : next(specifier, context);
    registerHooks({ resolve });`);

const ascending = (a: number, b: number): number => a - b;

const REGISTER = new URL('../src/register.js', import.meta.url).href;

const PROGRAM = `
  import fs from 'node:fs';
  import { isMainThread } from 'node:worker_threads';
  fs.existsSync('.');
  fs.writeSync(1, 'done\\n');`;

async function run(
  program: string,
  { env = {}, telemetry = TELEMETRY }: { env?: NodeJS.ProcessEnv; telemetry?: string } = {},
): Promise<Ran & { told: any[] }> {
  const options = ['--import', instead(telemetry), '--import', REGISTER];
  const ran = await runProgram({ 'main.mjs': program, 'other.mjs': PROGRAM }, { options, env });
  const lines = ran.stdout.split('\n').filter((line) => line.startsWith('told '));
  return { ...ran, told: lines.map((line) => JSON.parse(line.slice('told '.length))) };
}

describe('register', () => {
  it('lets a program go on that has closed its stderr', async () => {
    const closing = module(`import { closeSync } from 'node:fs'; closeSync(2);`);
    const env = { MSC_TELEMETRY_CONFIG: '{' };
    const { code, stdout } = await runProgram(
      { 'main.mjs': PROGRAM },
      { options: ['--import', closing, '--import', REGISTER], env },
    );
    assert.deepEqual([code, stdout], [0, 'done\n']);
  });

  it('records node:fs into a file when nothing else is configured', async () => {
    const { code, stderr, told } = await run(PROGRAM);
    assert.deepEqual([code, stderr, told.length], [0, '', 1]);
    const [{ config, options, started }] = told;
    assert.deepEqual(config.exporter, { type: 'file', options: { path: 'msc-telemetry.jsonl' } });
    assert.deepEqual(config.reader.options, { collect_interval_millis: 1000, export_interval_millis: 1000 });
    assert.equal(options.provider, 'file');
    assert.deepEqual(Object.keys(options.attributes), ['process.pid', 'thread.id']);
    assert.equal(started, 1);
  });

  it('takes the configuration of the environment', async () => {
    const config = { exporter: { type: 'console' } };
    const { told } = await run(PROGRAM, { env: { MSC_TELEMETRY_CONFIG: JSON.stringify(config) } });
    assert.deepEqual([told[0].config, told[0].started], [config, 1]);
  });

  it('leaves the configuration to the file that MSC_CONFIG names', async () => {
    const { told } = await run(PROGRAM, { env: { MSC_CONFIG: '/somewhere/msc.yaml' } });
    assert.deepEqual([told.length, told[0].config], [1, undefined]);
  });

  it('goes into worker threads', async () => {
    const { code, told } = await run(`
      import { existsSync } from 'node:fs';
      import { Worker } from 'node:worker_threads';
      existsSync('.'); existsSync('..');
      new Worker(new URL('other.mjs', import.meta.url));`);
    assert.equal(code, 0);
    assert.deepEqual(told.map(({ started }) => started).toSorted(ascending), [1, 2]);
    assert.deepEqual(told.map(({ options }) => options.attributes['thread.id']).toSorted(ascending), [0, 1]);
    assert.equal(new Set(told.map(({ options }) => options.attributes['process.pid'])).size, 1);
  });

  it('goes into forked processes', async () => {
    const { code, told } = await run(`
      import { fork } from 'node:child_process';
      fork(new URL('other.mjs', import.meta.url));`);
    assert.equal(code, 0);
    assert.deepEqual(told.map(({ started }) => started).toSorted(ascending), [0, 1]);
    assert.equal(new Set(told.map(({ options }) => options.attributes['process.pid'])).size, 2);
  });

  it('does nothing in the telemetry server', async () => {
    const { code, stdout, stderr } = await run(PROGRAM, { env: { MSC_TELEMETRY_SERVER: '1' } });
    assert.deepEqual([code, stdout, stderr], [0, 'done\n', '']);
  });

  it('observes nothing when there is no exporter', async () => {
    const { code, told } = await run(PROGRAM, { env: { MSC_TELEMETRY_CONFIG: '{}' } });
    assert.deepEqual([code, told[0].started], [0, 0]);
  });

  const failures = {
    'a configuration that is no JSON': { env: { MSC_TELEMETRY_CONFIG: '{"exporter":\n' } },
    'a telemetry that throws': { telemetry: `export function init() { throw new Error('no\\ntelemetry'); }` },
    'a telemetry that cannot be loaded': { telemetry: 'export const = 1;' },
    'something thrown that is no error': { telemetry: `export function init() { throw undefined; }` },
  };
  for (const [title, how] of Object.entries(failures))
    it(`lets the program go on, with one line on stderr: ${title}`, async () => {
      const { code, stdout, stderr } = await run(PROGRAM, how);
      assert.deepEqual([code, stdout], [0, 'done\n']);
      assert.match(stderr, /^msc-telemetry: .+\n$/u);
    });
});

it(
  'delivers the operations of a process, its child and its thread to the configured file',
  { timeout: 60_000 },
  () =>
    inFreshDirectory(async (at) => {
      const file = path.join(at, 'operations.jsonl');
      const exporter = { type: 'file', options: { path: file } };
      const program = `
      import fs from 'node:fs';
      import { fork } from 'node:child_process';
      import { Worker } from 'node:worker_threads';
      import { init } from '${import.meta.resolve('@multistorageclient/telemetry')}';
      fs.writeSync(1, init().stats().directory);
      fs.writeFileSync('new', 'abc');
      await fs.promises.stat('missing').catch(() => undefined);
      fork(new URL('other.mjs', import.meta.url));
      new Worker(new URL('other.mjs', import.meta.url));`;
      const { code, stdout, stderr } = await runProgram(
        { 'main.mjs': program, 'other.mjs': `import fs from 'node:fs'; fs.existsSync('.');` },
        { options: ['--import', REGISTER], env: { MSC_TELEMETRY_CONFIG: JSON.stringify({ exporter }) } },
      );
      assert.deepEqual([code, stderr], [0, '']);
      await treeIsGone(stdout);
      const info = 'info success 1';
      assert.deepEqual(responsesIn(readFileSync(file, 'utf8')).toSorted(), [
        'info error.ENOENT 1',
        info,
        info,
        'write success 1',
      ]);
    }),
);

/** The server has the last word in the file; then the tree's directory is gone. */
async function treeIsGone(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  await setTimeout(20);
  await treeIsGone(directory);
}

/** The last total of every series of responses, by operation and status, in OTLP JSON lines. */
function responsesIn(lines: string): string[] {
  const totals = new Map<string, string>();
  const metrics = lines
    .trim()
    .split('\n')
    .flatMap((line): any[] => JSON.parse(line).resourceMetrics)
    .flatMap(({ scopeMetrics }): any[] => scopeMetrics)
    .flatMap((scope): any[] => scope.metrics);
  for (const { name, sum } of metrics)
    if (name === CounterName.RESPONSE_SUM)
      for (const { attributes, asInt, asDouble } of sum.dataPoints) {
        const of = (key: string): string => attributes.find((one: any) => one.key === key)?.value.stringValue;
        const total = `${of('multistorageclient.operation')} ${of('multistorageclient.status')} ${asInt ?? asDouble}`;
        totals.set(JSON.stringify(attributes), total);
      }
  return [...totals.values()];
}
