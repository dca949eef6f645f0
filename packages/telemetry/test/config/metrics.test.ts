import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { configurationDigest } from '../../src/config/digest.ts';
import { resolveMetricsConfig, type MetricsOptions } from '../../src/config/metrics.ts';
import type { Problem, TelemetryError } from '../../src/errors.ts';
import { errorOf } from '../telemetry-error.ts';

const CONSOLE = { type: 'console' } as const;

/** As JavaScript may pass it. */
const resolve = (options: unknown, env: NodeJS.ProcessEnv = {}): ReturnType<typeof resolveMetricsConfig> =>
  resolveMetricsConfig(options as MetricsOptions, env);

function refusal(options: unknown): TelemetryError {
  const error = errorOf(() => resolve(options));
  for (const { path, expected } of error.problems) {
    assert.ok(error.message.includes(`${path}: got `) && error.message.includes(expected), error.message);
  }
  return error;
}

const problemsOf = (options: unknown): readonly Problem[] => refusal(options).problems;
const pathsOf = (options: unknown): string[] => problemsOf(options).map(({ path }) => path);

suite('a metrics configuration', () => {
  test('has defaults for all but the exporter', () => {
    assert.deepEqual(resolve({ exporter: CONSOLE }), {
      exporter: { type: 'console', options: {} },
      reader: {
        collectIntervalMillis: 1000,
        collectTimeoutMillis: 10_000,
        exportIntervalMillis: 60_000,
        exportTimeoutMillis: 30_000,
      },
      resampling: { type: 'none' },
    });
  });

  test('is spelled in snake case or in camel case', () => {
    const snake = resolve({
      exporter: CONSOLE,
      reader: {
        options: { collect_interval_millis: 10, export_interval_millis: 100, export_timeout_millis: 5 },
      },
      resampling: { type: 'last_value' },
    });
    const camel = resolve({
      exporter: CONSOLE,
      reader: { options: { collectIntervalMillis: 10, exportIntervalMillis: 100, exportTimeoutMillis: 5 } },
      resampling: { type: 'last_value' },
    });
    assert.deepEqual(snake, camel);
    assert.equal(configurationDigest(snake), configurationDigest(camel));
    assert.equal(snake.reader.collectIntervalMillis, 10);
  });

  test('says what becomes of raw samples, of all and of single instruments', () => {
    const histogram = { type: 'exponential_histogram', options: { max_size: 40, maxScale: -3 } };
    const { resampling } = resolve({
      exporter: CONSOLE,
      resampling: {
        type: 'decimation',
        options: { factor: 10 },
        instruments: [
          { name: 'multistorageclient.*', ...histogram },
          { name: 'a?', type: 'exponential_histogram' },
        ],
      },
    });
    assert.deepEqual(resampling, {
      type: 'decimation',
      factor: 10,
      instruments: [
        { name: 'multistorageclient.*', type: 'exponential_histogram', maxBuckets: 40, maxScale: -3 },
        { name: 'a?', type: 'exponential_histogram', maxBuckets: 160, maxScale: 20 },
      ],
    });
  });

  test('leaves out what has its default, whatever was spelled out', () => {
    const spelledOut = resolve({
      exporter: CONSOLE,
      reader: { async: true, options: { export_timeout_millis: 30_000 } },
      resampling: { type: 'none', options: {}, instruments: [] },
      attributes: [{ type: 'static', options: { attributes: {} } }],
      cardinality_limit: 2000,
    });
    assert.deepEqual(spelledOut, resolve({ exporter: CONSOLE }));
    const other = resolve({ exporter: CONSOLE, cardinalityLimit: 5, prometheus: { options: { port: 0 } } });
    assert.equal(other.cardinalityLimit, 5);
    assert.deepEqual(other.prometheus, { host: '127.0.0.1', port: 0 });
    assert.deepEqual(resolve({ exporter: CONSOLE, prometheus: {} }).prometheus, {
      host: '127.0.0.1',
      port: 9464,
    });
  });

  test('takes intervals from the environment where it has none', () => {
    const env = { OTEL_METRIC_EXPORT_INTERVAL: '700', OTEL_METRIC_EXPORT_TIMEOUT: '70' };
    const { reader } = resolve({ exporter: CONSOLE }, env);
    assert.deepEqual([reader.exportIntervalMillis, reader.exportTimeoutMillis], [700, 70]);
    const own = resolve({ exporter: CONSOLE, reader: { options: { export_interval_millis: 5 } } }, env);
    assert.equal(own.reader.exportIntervalMillis, 5);
  });

  test('is frozen, and one with the same meaning has the same digest', () => {
    const config = resolve({ exporter: CONSOLE });
    for (const part of [config, config.exporter, config.exporter.options, config.reader, config.resampling]) {
      assert.ok(Object.isFrozen(part));
    }
    const spelledOut = resolve({ exporter: CONSOLE, reader: { options: {} }, resampling: { type: 'none' } });
    assert.equal(configurationDigest(spelledOut), configurationDigest(config));
    const other = resolve({ exporter: CONSOLE, reader: { options: { collect_interval_millis: 11 } } });
    assert.notEqual(configurationDigest(other), configurationDigest(config));
    assert.match(configurationDigest(config), /^[0-9a-f]{16}$/);
  });

  test('survives JSON, as it is stored in journals', () => {
    const config = resolve({ exporter: CONSOLE, reader: { options: { collect_interval_millis: 0.5 } } });
    assert.deepEqual(JSON.parse(JSON.stringify(config)), config);
  });
});

suite('a wrong metrics configuration', () => {
  test('is refused with every wrong field at once', () => {
    const error = refusal({
      exporter: { type: 'nonsense' },
      reader: { options: { collect_interval_millis: 0, exportIntervalMillis: 'often', speed: 1 }, name: 'x' },
      resampling: { type: 'first_value' },
      attributs: [],
    });
    assert.equal(error.code, 'MSC_CONFIGURATION_INVALID');
    assert.deepEqual(error.problems.map(({ path }) => path).toSorted(), [
      'attributs',
      'exporter.type',
      'reader.name',
      'reader.options.collect_interval_millis',
      'reader.options.exportIntervalMillis',
      'reader.options.speed',
      'resampling.type',
    ]);
  });

  test('names the field, the value and what was expected', () => {
    for (const value of [0, -1, NaN, Infinity, -Infinity, '10', null, {}, 10n]) {
      const [problem, ...others] = problemsOf({
        exporter: CONSOLE,
        reader: { options: { export_interval_millis: value } },
      });
      assert.deepEqual(others, []);
      assert.equal(problem.path, 'reader.options.export_interval_millis');
      assert.ok(Object.is(problem.value, value));
      assert.match(problem.expected, /\(0, Infinity\)/);
    }
  });

  test('is refused where its parts are no objects', () => {
    for (const value of [5, 'none', [], null, true]) {
      assert.deepEqual(pathsOf({ exporter: CONSOLE, reader: value }), ['reader']);
      assert.deepEqual(pathsOf({ exporter: CONSOLE, reader: { options: value } }), ['reader.options']);
      const [problem] = problemsOf({ exporter: CONSOLE, resampling: value });
      assert.deepEqual([problem.path, problem.value], ['resampling', value]);
    }
    for (const value of [5, 'config', [], null, true]) assert.deepEqual(pathsOf(value), ['metrics']);
  });

  test('is refused for both spellings of one key', () => {
    const options = { collect_interval_millis: 1, collectIntervalMillis: 2 };
    assert.equal(problemsOf({ exporter: CONSOLE, reader: { options } }).length, 1);
  });

  test('is refused for a resampling that does not exist', () => {
    for (const type of ['LAST_VALUE', '', undefined, 5]) {
      const [problem] = problemsOf({ exporter: CONSOLE, resampling: { type } });
      assert.deepEqual([problem.path, problem.value], ['resampling.type', type]);
      assert.match(
        problem.expected,
        /none, last_value, decimation, exponential_histogram or explicit_bucket_histogram/,
      );
    }
    assert.deepEqual(pathsOf({ exporter: CONSOLE, resampling: { type: 'none', factor: 2 } }), [
      'resampling.factor',
    ]);
  });

  const resamplings: [resampling: object, paths: string[]][] = [
    [{ type: 'explicit_bucket_histogram' }, ['resampling.options.boundaries']],
    [{ type: 'explicit_bucket_histogram', options: { boundaries: [] } }, ['resampling.options.boundaries']],
    [
      { type: 'explicit_bucket_histogram', options: { boundaries: [2, 2] } },
      ['resampling.options.boundaries'],
    ],
    [{ type: 'decimation' }, ['resampling.options.factor']],
    [{ type: 'decimation', options: { factor: 1 } }, ['resampling.options.factor']],
    [{ type: 'decimation', options: { factor: 2.5 } }, ['resampling.options.factor']],
    [{ type: 'last_value', options: { factor: 2 } }, ['resampling.options.factor']],
    [
      { type: 'exponential_histogram', options: { max_size: 1, max_scale: 21 } },
      ['resampling.options.max_size', 'resampling.options.max_scale'],
    ],
    [{ type: 'none', instruments: {} }, ['resampling.instruments']],
    [
      {
        type: 'none',
        instruments: [{ type: 'none' }, { name: 'a*', type: 'decimation' }, { name: '', type: 'no' }],
      },
      [
        'resampling.instruments[0].name',
        'resampling.instruments[1].options.factor',
        'resampling.instruments[2].name',
        'resampling.instruments[2].type',
      ],
    ],
  ];
  for (const [resampling, paths] of resamplings) {
    test(`is refused for the resampling ${JSON.stringify(resampling)}`, () => {
      assert.deepEqual(pathsOf({ exporter: CONSOLE, resampling }), paths);
    });
  }

  test('is refused for a limit or an address that is none', () => {
    for (const limit of [0, -1, 1.5, '5', null]) {
      assert.deepEqual(pathsOf({ exporter: CONSOLE, cardinality_limit: limit }), ['cardinality_limit']);
    }
    const prometheus = { options: { host: '', port: 65_536, path: '/metrics' } };
    assert.deepEqual(pathsOf({ exporter: CONSOLE, prometheus }), [
      'prometheus.options.host',
      'prometheus.options.port',
      'prometheus.options.path',
    ]);
  });

  test('suggests a key that is near to the one that is wrong', () => {
    const [first, second] = problemsOf({ exporter: CONSOLE, raeder: {}, cardinalityLimits: 5 });
    assert.match(first.expected, /\(did you mean reader\?\)$/);
    assert.match(second.expected, /\(did you mean cardinalityLimit\?\)$/);
  });

  test('is refused for unknown keys beside the exporter’s options', () => {
    assert.deepEqual(pathsOf({ exporter: { type: 'console', opts: {} } }), ['exporter.opts']);
  });

  test('is the exporter’s fault alone where nothing else is wrong', () => {
    const error = refusal({ exporter: { type: 'nonsense' } });
    assert.equal(error.code, 'MSC_EXPORTER_UNUSABLE');
    assert.deepEqual(
      error.problems.map(({ path, value }) => [path, value]),
      [['exporter.type', 'nonsense']],
    );
  });
});
