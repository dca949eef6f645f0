import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import type { Problem } from '../../src/errors.ts';
import { resolveReaderConfig } from '../../src/readers/intervals.ts';

const ignore = (): void => undefined;

const DEFAULTS = {
  collectIntervalMillis: 1000,
  collectTimeoutMillis: 10_000,
  exportIntervalMillis: 60_000,
  exportTimeoutMillis: 30_000,
};

function resolve(options: unknown, env: NodeJS.ProcessEnv = {}): { config: object; problems: Problem[] } {
  const problems: Problem[] = [];
  return { config: resolveReaderConfig(options, env, 'reader.options', problems), problems };
}

function captureWarnings(): string[] {
  const warnings: string[] = [];
  const warn = (message: string): unknown => warnings.push(message);
  diag.setLogger({ error: ignore, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
  return warnings;
}

describe('resolveReaderConfig', () => {
  afterEach(() => diag.disable());

  it('gives frozen defaults for no options, and for undefined values', () => {
    for (const options of [undefined, {}, { exportIntervalMillis: undefined }]) {
      const { config, problems } = resolve(options);
      assert.deepEqual(config, DEFAULTS);
      assert.ok(Object.isFrozen(config));
      assert.deepEqual(problems, []);
    }
  });

  it('understands camel case and snake case', () => {
    const expected = {
      collectIntervalMillis: 10,
      collectTimeoutMillis: 20,
      exportIntervalMillis: 0.5,
      exportTimeoutMillis: 40,
    };
    assert.deepEqual(resolve(expected), { config: expected, problems: [] });
    const snake = {
      collect_interval_millis: 10,
      collect_timeout_millis: 20,
      export_interval_millis: 0.5,
      export_timeout_millis: 40,
    };
    assert.deepEqual(resolve(snake), { config: expected, problems: [] });
  });

  for (const value of [0, -1, NaN, Infinity, -Infinity, '1000', null, 5n, true]) {
    it(`refuses ${typeof value} ${String(value)} in every field, all at once`, () => {
      const keys = Object.keys(DEFAULTS);
      const { config, problems } = resolve(Object.fromEntries(keys.map((key) => [key, value])));
      assert.deepEqual(config, DEFAULTS);
      assert.deepEqual(
        problems,
        keys.map((key) => ({
          path: `reader.options.${key}`,
          value,
          expected: 'a number of milliseconds in (0, Infinity)',
        })),
      );
    });
  }

  it('refuses unknown keys and two spellings of one key', () => {
    const { problems } = resolve({
      exportInterval: 1,
      collectIntervalMillis: 1,
      collect_interval_millis: 2,
    });
    assert.deepEqual(
      problems.map(({ path }) => path),
      ['reader.options.exportInterval', 'reader.options.collect_interval_millis'],
    );
    assert.match(problems[0].expected, /collectIntervalMillis.*exportTimeoutMillis/);
    assert.match(problems[1].expected, /only one spelling of collectIntervalMillis/);
  });

  it('refuses options that are not an object', () => {
    for (const options of [null, [], 'fast', 5]) {
      const { config, problems } = resolve(options);
      assert.deepEqual(config, DEFAULTS);
      assert.deepEqual(
        problems.map(({ path, value }) => ({ path, value })),
        [{ path: 'reader.options', value: options }],
      );
    }
  });

  it('takes the export interval and timeout from the environment, after the options', () => {
    const env = { OTEL_METRIC_EXPORT_INTERVAL: '5000', OTEL_METRIC_EXPORT_TIMEOUT: ' 700 ' };
    assert.deepEqual(resolve({}, env).config, {
      ...DEFAULTS,
      exportIntervalMillis: 5000,
      exportTimeoutMillis: 700,
    });
    assert.deepEqual(resolve({ exportIntervalMillis: 9 }, env).config, {
      ...DEFAULTS,
      exportIntervalMillis: 9,
      exportTimeoutMillis: 700,
    });
  });

  for (const text of ['soon', '0', '-5', 'Infinity', 'NaN', '10s']) {
    it(`warns once about OTEL_METRIC_EXPORT_INTERVAL=${text} and falls back`, () => {
      const warnings = captureWarnings();
      const { config, problems } = resolve({}, { OTEL_METRIC_EXPORT_INTERVAL: text });
      assert.deepEqual(config, DEFAULTS);
      assert.deepEqual(problems, []);
      assert.equal(warnings.length, 1);
      assert.ok(warnings[0].includes('OTEL_METRIC_EXPORT_INTERVAL') && warnings[0].includes(text));
    });
  }

  it('takes an empty variable as unset, and does not look at one that an option overrides', () => {
    const warnings = captureWarnings();
    const env = { OTEL_METRIC_EXPORT_INTERVAL: '', OTEL_METRIC_EXPORT_TIMEOUT: 'soon' };
    assert.deepEqual(resolve({ exportTimeoutMillis: 30_000 }, env), { config: DEFAULTS, problems: [] });
    assert.deepEqual(warnings, []);
  });
});
