import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';

/** Runs a module in a process of its own, and returns what it printed; fails where that does not end well. */
function run(lines: string[]): string {
  const source = [
    `import { DiperiodicExportingMetricReader } from '${import.meta.resolve('../../src/readers/diperiodic.js')}';`,
    `import { ScriptedExporter } from '${import.meta.resolve('./scripted-exporter.js')}';`,
    `import { MeterProvider } from '${import.meta.resolve('@opentelemetry/sdk-metrics')}';`,
    'const exporter = new ScriptedExporter();',
    'const reader = new DiperiodicExportingMetricReader({ exporter, collectIntervalMillis: 1, exportIntervalMillis: 5 });',
    "const gauge = new MeterProvider({ readers: [reader] }).getMeter('test').createGauge('level');",
    ...lines,
  ];
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', source.join('\n')], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.deepEqual({ status: child.status, stderr: child.stderr }, { status: 0, stderr: '' });
  return child.stdout;
}

it('does not keep its process alive', () => {
  assert.equal(run(['gauge.record(1);', "process.on('exit', () => console.log('end'));"]), 'end\n');
});

it('does not depend on timers that a program replaced after it had loaded', () => {
  const printed = run([
    'const { setTimeout: realSetTimeout } = globalThis;',
    'const fake = () => { throw new Error("a faked timer"); };',
    'Object.assign(globalThis, { setTimeout: fake, setInterval: fake, clearTimeout: fake, clearInterval: fake });',
    'const next = new DiperiodicExportingMetricReader({ exporter, collectIntervalMillis: 1, exportIntervalMillis: 5 });',
    "const level = new MeterProvider({ readers: [next] }).getMeter('test').createGauge('level');",
    'level.record(7);',
    'while (exporter.accepted.length === 0) await new Promise((resolve) => realSetTimeout(resolve, 5));',
    'await next.shutdown();',
    'console.log(exporter.calls.at(-1), exporter.values()[0][0]);',
  ]);
  assert.equal(printed, 'shutdown 7\n');
});
