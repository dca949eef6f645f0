import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { resolveMetricsConfig, type MetricsOptions } from '../src/config/metrics.ts';
import type { MetricsConfig, TracesConfig } from '../src/config/signals.ts';
import { resolveTracesConfig, type TracesOptions } from '../src/config/traces.ts';
import { Configured, type ConfigurationSource } from '../src/configured.ts';
import { directoryOf } from './config/files.ts';
import { errorOf } from './telemetry-error.ts';

const METRICS = { name: 'metrics', resolve: resolveMetricsConfig } as const;
const TRACES = { name: 'traces', resolve: resolveTracesConfig } as const;

/** Nothing is found where nobody looks. */
const NOWHERE = { HOME: '/nowhere', XDG_CONFIG_DIRS: '/nowhere' };

function configured(source?: ConfigurationSource, env: NodeJS.ProcessEnv = {}): Configured {
  const made = new Configured({ ...NOWHERE, ...env });
  if (source !== undefined) made.choose(source);
  return made;
}

const metricsOf = (from: Configured, options?: MetricsOptions): MetricsConfig | undefined =>
  from.resolve(METRICS, options);
const tracesOf = (from: Configured, options?: TracesOptions): TracesConfig | undefined =>
  from.resolve(TRACES, options);

/** What is said on stderr; each line is said once in a process. */
function linesOf(t: TestContext, call: () => unknown): string[] {
  const said = t.mock.method(console, 'error', () => undefined);
  call();
  const lines = said.mock.calls.map(({ arguments: [line] }) => String(line));
  said.mock.restore();
  return lines;
}

suite('without any configuration', () => {
  test('OTLP to this machine', () => {
    const env = { OTEL_METRICS_EXPORTER: '', OTEL_METRIC_EXPORT_INTERVAL: '5' };
    const metrics = metricsOf(configured(undefined, env));
    assert.deepEqual(
      [metrics?.exporter.type, metrics?.exporter.options['url']],
      ['otlp', 'http://localhost:4318/v1/metrics'],
    );
    assert.equal(metrics?.reader.exportIntervalMillis, 5);
    const { exporter } = tracesOf(configured()) ?? {};
    assert.deepEqual([exporter?.type, exporter?.options['url']], ['otlp', 'http://localhost:4318/v1/traces']);
  });

  test('what the variables say', (t) => {
    const env = {
      OTEL_METRICS_EXPORTER: ' Console ',
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://general:1',
    };
    assert.equal(metricsOf(configured(undefined, env))?.exporter.type, 'console');
    const lines = linesOf(t, () => assert.equal(tracesOf(configured(undefined, env)), undefined));
    assert.deepEqual(lines, []);
    const prometheus = { OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: '9000' };
    assert.deepEqual(metricsOf(configured(undefined, prometheus))?.exporter, {
      type: 'prometheus',
      options: { host: '127.0.0.1', port: 9000 },
    });
  });

  test('the variable of the signal wins over that of all', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://general:1',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:2/path',
    };
    const from = configured(undefined, env);
    assert.equal(metricsOf(from)?.exporter.options['url'], 'http://general:1/v1/metrics');
    assert.equal(tracesOf(from)?.exporter.options['url'], 'http://traces:2/path');
  });

  test('a variable that names nothing is an error that is said', (t) => {
    const env = { OTEL_METRICS_EXPORTER: 'otlp,console', OTEL_TRACES_EXPORTER: 'prometheus' };
    const lines = linesOf(t, () => {
      assert.equal(metricsOf(configured(undefined, env)), undefined);
      assert.equal(tracesOf(configured(undefined, env)), undefined);
    });
    assert.deepEqual(lines, [
      'msc-telemetry: OTEL_METRICS_EXPORTER: got "otlp,console", expected otlp, console, prometheus or none: metrics are disabled',
      'msc-telemetry: OTEL_TRACES_EXPORTER: got "prometheus", expected otlp, console or none: traces are disabled',
    ]);
  });
});

suite('OTEL_SDK_DISABLED', () => {
  test('disables everything, without a word', (t) => {
    const from = configured('/not/there', { OTEL_SDK_DISABLED: 'TRUE' });
    const lines = linesOf(t, () => {
      assert.equal(metricsOf(from), undefined);
      assert.equal(metricsOf(from, { exporter: { type: 'console' } }), undefined);
      assert.equal(tracesOf(from, { exporter: { type: 'nonsense' } }), undefined);
    });
    assert.deepEqual(lines, []);
  });

  test('is nothing but true', () => {
    for (const value of ['', '1', 'yes', 'false'])
      assert.ok(metricsOf(configured(undefined, { OTEL_SDK_DISABLED: value })) !== undefined);
  });
});

suite('a configuration', () => {
  test('says where a signal goes, or leaves that to the environment', () => {
    const own = configured({ opentelemetry: { traces: { exporter: { type: 'console' } } } });
    assert.deepEqual([own.has('traces'), own.has('metrics')], [true, false]);
    assert.equal(configured(undefined, { OTEL_TRACES_EXPORTER: 'console' }).has('traces'), false);
  });

  const whole = {
    cache: { name: 'c' },
    opentelemetry: {
      metrics: {
        exporter: { type: 'console' },
        attributes: [
          { type: 'msc_config', options: { attributes: { cache: { expression: 'cache.name' } } } },
        ],
      },
    },
  };

  test('is used where a program passes none', () => {
    const env = { OTEL_METRICS_EXPORTER: 'none', MSC_CONFIG: '/not/there' };
    const metrics = metricsOf(configured(whole, env));
    assert.equal(metrics?.exporter.type, 'console');
    assert.deepEqual(metrics.attributes, [{ type: 'static', options: { attributes: { cache: 'c' } } }]);
  });

  test('gives its values to the expressions of a section that a program passes', () => {
    const { metrics } = whole.opentelemetry;
    assert.equal(metricsOf(configured(whole), metrics)?.attributes?.length, 1);
    const [problem] = errorOf(() => metricsOf(configured(), metrics)).problems;
    assert.match(problem.expected, /a whole configuration/);
  });

  test('without a section for a signal disables it; without opentelemetry the variables hold', (t) => {
    const lines = linesOf(t, () => assert.equal(tracesOf(configured(whole)), undefined));
    assert.deepEqual(lines, ['msc-telemetry: no exporter is configured: traces are disabled']);
    const { exporter } = tracesOf(configured({ cache: {} }, { OTEL_TRACES_EXPORTER: 'console' })) ?? {};
    assert.equal(exporter?.type, 'console');
  });

  test('is found, and read once', (t) => {
    const directory = directoryOf(t, {
      '.msc_config.yaml': 'opentelemetry: {metrics: {exporter: {type: console}}}',
    });
    const from = configured(undefined, { HOME: directory });
    assert.equal(metricsOf(from)?.exporter.type, 'console');
    rmSync(directory, { recursive: true });
    assert.equal(metricsOf(from)?.exporter.type, 'console');
  });

  test('of another shape is one without an exporter', (t) => {
    const from = configured();
    linesOf(t, () => {
      for (const value of [5, 'otlp', [], true, null])
        assert.equal(metricsOf(from, value as unknown as MetricsOptions), undefined);
    });
  });

  test('is not read where it is not used', () => {
    const from = configured('/not/there');
    assert.equal(metricsOf(from, { exporter: { type: 'console' } })?.exporter.type, 'console');
    for (let i = 0; i < 2; i++)
      assert.equal(errorOf(() => metricsOf(from)).code, 'MSC_CONFIGURATION_UNREADABLE');
  });

  test('names its file and its line where it is wrong', (t) => {
    const directory = directoryOf(t, {
      'a.yaml': `opentelemetry:
  metrics:
    exporter:
      type: otlp
      options: {endpoint: nowhere}
  traces:
    exporter: {type: otlp}`,
      'b.yaml': `opentelemetry:
  metrics:
    exporter: {type: console}
    attributes:
      - {type: ./none.js#Mine}`,
    });
    const [a, b] = ['a.yaml', 'b.yaml'].map((name) => path.join(directory, name));
    const lines = linesOf(t, () => assert.equal(metricsOf(configured(a)), undefined));
    assert.deepEqual(lines, [
      `msc-telemetry: exporter cannot be used: ${a}:5: opentelemetry.metrics.exporter.options.endpoint: got "nowhere", expected an http:// or https:// URL: metrics are disabled`,
    ]);
    const { code, problems } = errorOf(() => metricsOf(configured(b)));
    const [{ path: at, file, line }] = problems;
    assert.deepEqual(
      [code, at, file, line],
      ['MSC_CONFIGURATION_INVALID', 'opentelemetry.metrics.attributes[0].type', b, 5],
    );
    // What is wrong with a variable is not wrong with the file.
    const env = { OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' };
    const [said] = linesOf(t, () => assert.equal(tracesOf(configured(a, env)), undefined));
    assert.match(said, /exporter cannot be used: OTEL_EXPORTER_OTLP_TIMEOUT: got "soon"/);
  });

  test('may be chosen later, once', (t) => {
    const late = configured();
    assert.equal(metricsOf(late, { exporter: { type: 'console' } })?.exporter.type, 'console');
    late.choose(whole);
    late.choose(structuredClone(whole));
    assert.equal(metricsOf(late)?.attributes?.length, 1);
    const { code, problems } = errorOf(() => late.choose('/another.yaml'));
    assert.deepEqual([code, problems[0].path], ['MSC_CONFIGURATION_INVALID', 'configuration']);
    const used = configured(undefined, { OTEL_METRICS_EXPORTER: 'none' });
    linesOf(t, () => metricsOf(used));
    assert.equal(errorOf(() => used.choose(whole)).code, 'MSC_CONFIGURATION_INVALID');
  });
});
