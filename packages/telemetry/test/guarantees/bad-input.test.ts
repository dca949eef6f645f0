import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { readTreeStatus } from '../../src/server/status.ts';
import { assertAccount } from '../support/arrivals.ts';
import type { BadIntervalsJob } from '../support/programs/bad-intervals.ts';
import type { InvalidValuesJob } from '../support/programs/invalid-values.ts';
import type { UnusableExportersJob } from '../support/programs/unusable-exporters.ts';
import { metricsTo, Scene } from '../support/scene.ts';

describe('bad input', { concurrency: true }, () => {
  test('intervals that are none are refused, all at once', async (t) => {
    const scene = new Scene(t);
    const config = metricsTo(await scene.sink());
    const job: BadIntervalsJob = { directory: scene.directory, config };
    const program = scene.start('bad-intervals', job);
    const { refusals, all } = await program.says('refusals');
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    assert.equal(refusals.length, 16);
    for (const { key, value, ...refusal } of refusals) {
      const message = `metrics configuration is invalid: reader.options.${key}: got ${value}, expected a number of milliseconds in (0, Infinity)`;
      assert.deepEqual(refusal, { code: 'MSC_CONFIGURATION_INVALID', message, problems: 1 });
    }
    assert.equal(all.problems, 4);
  });

  test('a configuration without an exporter that can be found gives undefined, and one line', async (t) => {
    const scene = new Scene(t);
    const { reader } = metricsTo(await scene.sink());
    const missing = 'not-there/exporter.js#Exporter';
    const configs = [
      { reader },
      { reader, exporter: { type: 'nonsense' } },
      { reader, exporter: { type: missing } },
      { reader, exporter: { type: 'otlp', options: { endpoint: 'nowhere' } } },
    ] as UnusableExportersJob['configs'];
    const job: UnusableExportersJob = { directory: scene.directory, configs };
    const program = scene.start('unusable-exporters', job);
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    assert.deepEqual(
      program.said,
      configs.map((config) => ({ config, nothing: true })),
    );
    const lines = program.stderr.trimEnd().split('\n');
    assert.equal(lines.length, configs.length, program.stderr);
    for (const line of lines) assert.match(line, /^msc-telemetry: .*metrics are disabled$/);
    assert.match(lines[0], /no exporter is configured/);
    assert.match(lines[1], /exporter\.type: got "nonsense", expected "console", "file", "otlp"/);
    assert.ok(lines[2].includes(`exporter.type: got "${missing}"`));
    assert.match(
      lines[3],
      /exporter\.options\.endpoint: got "nowhere", expected an http:\/\/ or https:\/\/ URL/,
    );
  });

  test('an exporter that fails in the server: the program is told, and what it records is counted', async (t) => {
    const scene = new Scene(t);
    const { reader } = metricsTo(await scene.sink());
    const file = path.join(import.meta.dirname, '../support/programs/throwing-exporter.js');
    const count = 10_000;
    const configs = [{ reader, exporter: { type: `${file}#ThrowingExporter` } }];
    const burst = { init: { address: scene.directory }, configs, count, perTurn: 500, sums: true };
    const program = scene.start('member', { burst, end: 'stay' });
    await program.complains(/exporter .*ThrowingExporter.* cannot be loaded: no credentials.*\n/);
    const [{ state }] = Object.values(readTreeStatus(scene.directory).configurations);
    assert.equal(state, 'failed');
    program.proceed();
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    assert.equal(program.stderr.match(/no credentials/g)?.length, 1, program.stderr);
    const recorded = 3 * count;
    assertAccount(await scene.ended(), { recorded, exported: 0, dropped: { exporter: recorded } });
  });

  test('a port of /metrics that is taken: the program is told once, and exports all the same', async (t) => {
    const scene = new Scene(t);
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    t.after(() => other.close());
    const { port } = other.address() as AddressInfo;
    const count = 100;
    const configs = [{ ...metricsTo(await scene.sink()), prometheus: { options: { port } } }];
    const burst = { init: { address: scene.directory }, configs, count, perTurn: 50, sums: true };
    const program = scene.start('member', { burst, end: 'stay' });
    await program.complains(
      /\/metrics cannot be served at 127\.0\.0\.1:\d+ \(EADDRINUSE\); it is tried again\n/,
    );
    program.proceed();
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    assert.equal(program.stderr.match(/EADDRINUSE/g)?.length, 1, program.stderr);
    assertAccount(await scene.ended(), { recorded: 3 * count, exported: count, merged: 2 * count });
  });

  test('a server that cannot be started: the program is told once, and nothing is lost', async (t) => {
    const scene = new Scene(t);
    const config = metricsTo(await scene.sink());
    const burst = {
      init: { address: scene.directory, exitTimeoutMillis: 0 },
      configs: [config],
      count: 100,
      perTurn: 50,
    };
    const env = { MSC_TELEMETRY_SERVER_PATH: path.join(scene.directory, 'missing.js') };
    const program = scene.start('member', { burst, end: 'stay' }, { env });
    await program.complains(
      /telemetry server .*missing\.js does not run on Node\.js v\S+ \(exit code 1\): .* stays in .*\n/,
    );
    program.proceed();
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    assert.equal(program.stderr.match(/does not run/g)?.length, 1, program.stderr);
    const { account } = readTreeStatus(scene.directory);
    assert.deepEqual([account.recorded, account.journaled], [100, 100]);
  });

  test('values that an instrument cannot take are counted, and nothing throws', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const job: InvalidValuesJob = { directory: scene.directory, config: metricsTo(sink) };
    const program = scene.start('invalid-values', job);
    const { recorded, invalid } = await program.says('recorded');
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    const status = await scene.ended();
    const exported = 1;
    const merged = recorded - invalid - exported;
    assertAccount(status, { recorded, exported, merged, dropped: { invalid_value: invalid } });
    const last = new Map(
      [...sink.points].map(({ metric, value, histogram, attributes }) => [
        `${metric.name}${'bound' in attributes ? ' bound' : ''}`,
        histogram?.sum ?? value,
      ]),
    );
    assert.deepEqual(Object.fromEntries(last), {
      'invalid.counter': 1,
      'invalid.counter bound': 1,
      'invalid.up_down': 0,
      'invalid.histogram': 1,
      'invalid.gauge': -1,
    });
  });
});
