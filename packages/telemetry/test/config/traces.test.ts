import assert from 'node:assert/strict';
import { afterEach, suite, test } from 'node:test';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { configurationDigest } from '../../src/config/digest.ts';
import { resolveTracesConfig, type TracesOptions } from '../../src/config/traces.ts';
import { errorOf } from '../telemetry-error.ts';

const CONSOLE = { type: 'console' } as const;
const ignore = (): void => undefined;

/** As JavaScript may pass it. */
const resolve = (options: unknown, env: NodeJS.ProcessEnv = {}): ReturnType<typeof resolveTracesConfig> =>
  resolveTracesConfig(options as TracesOptions, env);

suite('a configuration of traces', () => {
  test('has defaults for all but the exporter', () => {
    const config = resolve({ exporter: CONSOLE });
    assert.deepEqual(config, {
      signal: 'traces',
      exporter: { type: 'console', options: {} },
      sampler: { type: 'parentbased_always_on', ratio: 1 },
      processor: { scheduleDelayMillis: 5000, exportTimeoutMillis: 30_000, maxExportBatchSize: 512 },
    });
    for (const part of [config, config.exporter, config.sampler, config.processor]) {
      assert.ok(Object.isFrozen(part));
    }
  });

  test('is spelled in snake case or in camel case', () => {
    const snake = { schedule_delay_millis: 1, export_timeout_millis: 2, max_export_batch_size: 3 };
    const camel = { scheduleDelayMillis: 1, exportTimeoutMillis: 2, maxExportBatchSize: 3 };
    const [first, second] = [snake, camel].map((options) =>
      resolve({ exporter: CONSOLE, processor: { options } }),
    );
    assert.deepEqual(first.processor, camel);
    assert.equal(configurationDigest(first), configurationDigest(second));
  });

  test('samples by a ratio', () => {
    const sampler = { type: 'parentbased_traceidratio', options: { ratio: 0.25 } };
    assert.deepEqual(resolve({ exporter: CONSOLE, sampler }).sampler, { type: sampler.type, ratio: 0.25 });
    const plain = resolve({ exporter: CONSOLE, sampler: { type: 'traceidratio' } });
    assert.deepEqual(plain.sampler, { type: 'traceidratio', ratio: 1 });
  });

  test('takes from the environment what it does not say', () => {
    const env = {
      OTEL_TRACES_SAMPLER: 'TraceIdRatio',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BSP_EXPORT_TIMEOUT: ' 200 ',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '',
    };
    const { sampler, processor } = resolve({ exporter: CONSOLE }, env);
    assert.deepEqual(sampler, { type: 'traceidratio', ratio: 0.5 });
    assert.deepEqual(processor, {
      scheduleDelayMillis: 100,
      exportTimeoutMillis: 200,
      maxExportBatchSize: 512,
    });
    const own = resolve(
      {
        exporter: CONSOLE,
        sampler: { type: 'always_off' },
        processor: { options: { schedule_delay_millis: 7, max_export_batch_size: 8 } },
      },
      { ...env, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '64' },
    );
    assert.deepEqual(own.sampler, { type: 'always_off', ratio: 1 });
    assert.deepEqual(own.processor, {
      scheduleDelayMillis: 7,
      exportTimeoutMillis: 200,
      maxExportBatchSize: 8,
    });
    const ratio = resolve({ exporter: CONSOLE, sampler: { type: 'traceidratio' } }, env);
    assert.equal(ratio.sampler.ratio, 0.5);
  });
});

suite('a wrong variable', () => {
  afterEach(() => diag.disable());

  const wrong = {
    OTEL_TRACES_SAMPLER: 'jaeger_remote',
    OTEL_BSP_SCHEDULE_DELAY: '0',
    OTEL_BSP_EXPORT_TIMEOUT: 'soon',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1.5',
  };
  for (const [name, text] of Object.entries(wrong)) {
    test(`is warned about, and ignored: ${name}=${text}`, () => {
      const warnings: string[] = [];
      const warn = (message: string): unknown => warnings.push(message);
      diag.setLogger(
        { error: ignore, warn, info: ignore, debug: ignore, verbose: ignore },
        DiagLogLevel.WARN,
      );
      assert.deepEqual(resolve({ exporter: CONSOLE }, { [name]: text }), resolve({ exporter: CONSOLE }));
      assert.deepEqual(
        [warnings.length, warnings[0].startsWith(`${name}: got "${text}", expected `)],
        [1, true],
      );
    });
  }
});

suite('a wrong configuration of traces', () => {
  test('is refused with every wrong field at once', () => {
    const error = errorOf(() =>
      resolve({
        exporter: { type: 'nonsense' },
        sampler: { type: 'always_on', options: { ratio: 1 } },
        processor: { options: { schedule_delay_millis: 0, maxExportBatchSize: 0.5 } },
        resampling: {},
      }),
    );
    assert.equal(error.code, 'MSC_CONFIGURATION_INVALID');
    assert.match(error.message, /^traces configuration is invalid: /);
    assert.deepEqual(error.problems.map(({ path }) => path).toSorted(), [
      'exporter.type',
      'processor.options.maxExportBatchSize',
      'processor.options.schedule_delay_millis',
      'resampling',
      'sampler.options.ratio',
    ]);
  });

  test('is refused for a sampler that does not exist, or a ratio that is none', () => {
    const samplers: [sampler: unknown, path: string][] = [
      [{ type: 'sometimes' }, 'sampler.type'],
      [{}, 'sampler.type'],
      ['always_on', 'sampler'],
      [{ type: 'traceidratio', options: { ratio: 1.1 } }, 'sampler.options.ratio'],
      [{ type: 'traceidratio', options: { ratio: '0.5' } }, 'sampler.options.ratio'],
    ];
    for (const [sampler, path] of samplers) {
      const { problems } = errorOf(() => resolve({ exporter: CONSOLE, sampler }));
      assert.deepEqual(
        problems.map((problem) => problem.path),
        [path],
      );
    }
  });

  test('is refused where it is no object', () => {
    for (const value of [5, [], null]) {
      assert.deepEqual(
        errorOf(() => resolve(value)).problems.map(({ path }) => path),
        ['traces'],
      );
    }
  });

  test('is the exporter’s fault alone where nothing else is wrong', () => {
    for (const exporter of [{ type: 'nonsense' }, 'otlp', undefined]) {
      assert.equal(errorOf(() => resolve({ exporter })).code, 'MSC_EXPORTER_UNUSABLE');
    }
  });
});
