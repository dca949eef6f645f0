import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, mock, suite, test } from 'node:test';
import { ValueType } from '@opentelemetry/api';
import type { MetricsOptions } from '../src/config/metrics.ts';
import type { TracesOptions } from '../src/config/traces.ts';
import { init } from '../src/init.ts';
import { CounterName, GaugeName, TelemetryError, VERSION } from '../src/index.ts';
import { TelemetryMode } from '../src/modes.ts';
import type { Telemetry } from '../src/telemetry.ts';
import { scratchDirectory } from './server/stage.ts';
import { Backend } from './server/scripted-exporter.ts';
import { errorOf } from './telemetry-error.ts';

const EXPORTER = `${new URL('server/scripted-exporter.js', import.meta.url).href}#ScriptedExporter`;

function configFor(backend: Backend, over: object = {}): MetricsOptions {
  const exporter = { type: EXPORTER, options: { backend: backend.name } };
  return { exporter, self_telemetry: false, ...over };
}

/** As JavaScript may pass it. */
const anything = (value: unknown): MetricsOptions => value as MetricsOptions;

const tracesAnything = (value: unknown): TracesOptions => value as TracesOptions;

const root = scratchDirectory();
const said: string[] = [];
let telemetry: Telemetry;

before(() => {
  process.env['MSC_TELEMETRY_ROOT'] = root.path;
  delete process.env['MSC_TELEMETRY_DIRECTORY'];
  mock.method(console, 'error', (line: string) => said.push(line));
  telemetry = init({ mode: TelemetryMode.LOCAL });
});
beforeEach(() => (said.length = 0));
after(async () => {
  await telemetry.shutdown();
  root.remove();
});

test('forceFlush exports spans that have ended, and stats count them', async () => {
  const file = path.join(root.path, 'spans.jsonl');
  const tracer = telemetry.tracer({ exporter: { type: 'file', options: { path: file } } });
  const { recorded } = telemetry.stats();
  tracer?.startSpan('ended').end();
  tracer?.startSpan('open');
  await telemetry.forceFlush();
  const text = readFileSync(file, 'utf8');
  assert.deepEqual([text.includes('"ended"'), text.includes('"open"')], [true, false]);
  assert.equal(telemetry.stats().recorded, recorded + 1);
});

test('operations without a provider are refused, whether the configuration has an exporter or not', () => {
  const config = { exporter: { type: 'console' } };
  const operations = telemetry.operations.bind(telemetry) as (...args: readonly unknown[]) => unknown;
  for (const args of [[config], [config, {}], [config, null], [{ provider: 's3' }], []]) {
    const { code, problems } = errorOf(() => operations(...args));
    assert.deepEqual([code, problems[0].path], ['MSC_CONFIGURATION_INVALID', 'provider']);
  }
});

suite('the objects of a configuration', () => {
  test('of traces are the same for equal configurations', () => {
    const one = tracesAnything({ exporter: { type: 'console' }, sampler: { type: 'always_on' } });
    const two = tracesAnything({ sampler: { type: 'always_on' }, exporter: { type: 'console' } });
    const provider = telemetry.tracerProvider(one);
    assert.notEqual(provider, undefined);
    assert.equal(telemetry.tracerProvider(two), provider);
    assert.equal(telemetry.tracer(one), telemetry.tracer(two));
    assert.equal(provider?.getTracer('multistorageclient', VERSION), telemetry.tracer(one));
    assert.notEqual(telemetry.tracerProvider(tracesAnything({ exporter: { type: 'console' } })), provider);
  });

  test('are the same for equal configurations, whatever the order and spelling of their keys', () => {
    const backend = new Backend('equal');
    const options = { backend: backend.name };
    const one = anything({
      exporter: { type: EXPORTER, options },
      reader: { options: { collect_interval_millis: 10, export_interval_millis: 1000 } },
    });
    const two = anything({
      reader: { options: { exportIntervalMillis: 1000, collectIntervalMillis: 10 } },
      resampling: { type: 'none' },
      exporter: { options, type: EXPORTER },
    });
    assert.notEqual(telemetry.meterProvider(one), undefined);
    assert.equal(telemetry.meterProvider(one), telemetry.meterProvider(two));
    assert.equal(telemetry.meter(one), telemetry.meter(two));
    assert.equal(telemetry.gauge(one, GaugeName.LATENCY), telemetry.gauge(two, GaugeName.LATENCY));
    assert.equal(
      telemetry.counter(one, CounterName.REQUEST_SUM),
      telemetry.counter(two, CounterName.REQUEST_SUM),
    );
    const provider = { provider: 's3', attributes: { a: 1, b: 2 } };
    const reordered = { attributes: { b: 2, a: 1 }, provider: 's3' };
    assert.equal(telemetry.operations(one, provider), telemetry.operations(two, reordered));
  });

  test('are others for other configurations, names and providers', () => {
    const config = configFor(new Backend('others'));
    const other = configFor(new Backend('others 2'));
    assert.notEqual(telemetry.meterProvider(config), telemetry.meterProvider(other));
    assert.notEqual(telemetry.gauge(config, GaugeName.LATENCY), telemetry.gauge(config, GaugeName.DATA_RATE));
    assert.notEqual(
      telemetry.operations(config, { provider: 's3' }),
      telemetry.operations(config, { provider: 'gcs' }),
    );
  });
});

suite('a configuration that cannot export', () => {
  test('without an exporter gives undefined, and one line in all', () => {
    for (const config of [{}, { reader: {} }, null, { exporter: undefined }]) {
      assert.equal(telemetry.meterProvider(anything(config)), undefined);
      assert.equal(telemetry.meter(anything(config)), undefined);
      assert.equal(telemetry.gauge(anything(config), GaugeName.LATENCY), undefined);
      assert.equal(telemetry.counter(anything(config), CounterName.REQUEST_SUM), undefined);
      assert.equal(telemetry.operations(anything(config), { provider: 's3' }), undefined);
    }
    assert.deepEqual(said, ['msc-telemetry: no exporter is configured: metrics are disabled']);
  });

  test('gives no tracer either', () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.equal(telemetry.tracerProvider(tracesAnything({})), undefined);
      assert.equal(telemetry.tracer(tracesAnything({ sampler: { type: 'always_on' } })), undefined);
    }
    assert.deepEqual(said, ['msc-telemetry: no exporter is configured: traces are disabled']);
  });

  test('with one that is not usable gives undefined, and one line that says why', () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.equal(telemetry.meter(anything({ exporter: { type: 'nowhere#Nothing' } })), undefined);
    }
    assert.equal(said.length, 1);
    assert.match(said[0], /^msc-telemetry: .*exporter\.type: got "nowhere#Nothing".*metrics are disabled$/);
  });

  test('is never taken for one that can, nor the other way round', () => {
    const backend = new Backend('taken');
    const withOption = (value: unknown): MetricsOptions =>
      anything({ exporter: { type: EXPORTER, options: { backend: backend.name, value } } });
    for (const wrong of [NaN, Infinity, 1n, () => 1, Symbol('x')]) {
      assert.equal(telemetry.meterProvider(withOption(wrong)), undefined);
    }
    assert.notEqual(telemetry.meterProvider(withOption(null)), undefined);
    assert.notEqual(telemetry.meterProvider(withOption(undefined)), undefined);
  });

  test('is refused where another field is wrong, each time', () => {
    const config = configFor(new Backend('wrong'), { resampling: { type: 'nonsense' } });
    for (let attempt = 0; attempt < 2; attempt++) {
      assert.throws(
        () => telemetry.meterProvider(config),
        (error: unknown) =>
          error instanceof TelemetryError &&
          error.code === 'MSC_CONFIGURATION_INVALID' &&
          /resampling\.type: got "nonsense", expected none, last_value, /.test(error.message),
      );
    }
    assert.deepEqual(said, []);
  });

  test('may be of any shape without harm', () => {
    const cyclic: Record<string, unknown> = { exporter: { type: 'console' } };
    cyclic['reader'] = cyclic;
    assert.throws(() => telemetry.meterProvider(anything(cyclic)), TelemetryError);
    const options: Record<string, unknown> = {};
    options['self'] = options;
    assert.equal(telemetry.meterProvider(anything({ exporter: { type: 'console', options } })), undefined);
  });
});

suite('recording and exporting', () => {
  test('names and units are those of the original', async () => {
    const backend = new Backend('names');
    const config = configFor(backend);
    for (const name of Object.values(GaugeName)) telemetry.gauge(config, name)?.record(1);
    for (const name of Object.values(CounterName)) telemetry.counter(config, name)?.add(1);
    await telemetry.forceFlush();
    const metrics = new Set(backend.points.map(({ metric }) => metric));
    assert.deepEqual(
      [...metrics].toSorted(),
      [...Object.values(GaugeName), ...Object.values(CounterName)].toSorted(),
    );
  });

  test('a flush resolves when everything was accepted', async () => {
    const backend = new Backend('flush');
    const config = configFor(backend);
    let tries = 0;
    backend.answer = () => (++tries < 3 ? 'refuse' : 'accept');
    telemetry.gauge(config, GaugeName.LATENCY)?.record(7, { a: 1 });
    await telemetry.forceFlush();
    assert.deepEqual(backend.values(GaugeName.LATENCY), [7]);
    assert.equal(tries, 3);
  });

  test('a flush that takes too long says so, and loses nothing', async () => {
    const backend = new Backend('slow');
    const config = configFor(backend);
    backend.answer = () => 'refuse';
    telemetry.gauge(config, GaugeName.LATENCY)?.record(8);
    await assert.rejects(telemetry.forceFlush({ timeoutMillis: 50 }), (error: unknown) => {
      assert.ok(error instanceof TelemetryError);
      assert.equal(error.code, 'MSC_FLUSH_TIMEOUT');
      assert.deepEqual(
        error.problems.map(({ path: field, value }) => [field, value]),
        [['timeoutMillis', 50]],
      );
      return true;
    });
    backend.answer = () => 'accept';
    await telemetry.forceFlush();
    assert.deepEqual(backend.values(GaugeName.LATENCY), [8]);
  });

  test('observable instruments are observed by a flush', async () => {
    const backend = new Backend('observed');
    const meter = telemetry.meterProvider(configFor(backend))?.getMeter('mine');
    let seen = 0;
    const observable = meter?.createObservableCounter('seen', { valueType: ValueType.INT });
    observable?.addCallback((result) => result.observe(++seen));
    await telemetry.forceFlush();
    await telemetry.forceFlush();
    assert.deepEqual(backend.values('seen'), [1, 2]);
  });

  test('the statistics count what was recorded and what was dropped', () => {
    const earlier = telemetry.stats();
    const config = configFor(new Backend('stats'));
    const counter = telemetry.counter(config, CounterName.REQUEST_SUM);
    counter?.add(1);
    counter?.add(-1);
    counter?.add(NaN);
    const { recorded, dropped, mode, isJournaled, directory } = telemetry.stats();
    assert.equal(recorded - earlier.recorded, 3);
    assert.equal((dropped['invalid_value'] ?? 0) - (earlier.dropped['invalid_value'] ?? 0), 2);
    assert.deepEqual([mode, isJournaled, path.dirname(directory)], ['local', true, root.path]);
  });
});

suite('shutdown', () => {
  test('exports the rest, removes the directory, and drops what comes after', async () => {
    const backend = new Backend('last');
    const config = configFor(backend);
    const gauge = telemetry.gauge(config, GaugeName.LATENCY);
    gauge?.record(9);
    const { directory } = telemetry.stats();
    await telemetry.shutdown();
    assert.deepEqual(backend.values(GaugeName.LATENCY), [9]);
    assert.equal(existsSync(directory), false);
    assert.deepEqual(
      readdirSync(root.path).filter((name) => name.startsWith('tree-')),
      [],
    );
    gauge?.record(10);
    assert.equal(telemetry.stats().dropped['closed'], 1);
    await telemetry.shutdown();
    assert.equal(init({ mode: TelemetryMode.LOCAL }), telemetry);
  });
});
