import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from '../../src/config/canonical.ts';
import { resolveMetricsConfig, type MetricsOptions } from '../../src/config/metrics.ts';
import { resolveTracesConfig, type TracesOptions } from '../../src/config/traces.ts';
import { TelemetryError } from '../../src/errors.ts';

/** Keys and texts that mean something, with values of any shape below them. */
const WORDS =
  'exporter reader resampling attributes cardinality_limit cardinalityLimit prometheus sampler processor type options instruments name factor max_size host port expression ratio static msc_config decimation none otlp console always_on a';
const words = fc.constantFrom(...WORDS.split(' '));
const { given } = fc.letrec((tie) => ({
  given: fc.oneof(
    { depthSize: 'medium' },
    words,
    fc.anything({ maxDepth: 1, withBigInt: true, withDate: true, withNullPrototype: true }),
    fc.constantFrom(0, 1, 2, -1, 0.5, NaN, [], {}, null),
    fc.array(tie('given'), { maxLength: 3 }),
    fc.dictionary(words, tie('given'), { maxKeys: 5 }),
  ),
}));
const section = fc.dictionary(words, given, { maxKeys: 5 });

/** Frozen plain JSON, or an error that names every field. */
function assertResolvedOrRefused(resolve: () => object): void {
  let config: object;
  try {
    config = resolve();
  } catch (error) {
    if (!(error instanceof TelemetryError)) throw error;
    assert.ok(error.problems.length > 0);
    return;
  }
  assert.ok(Object.isFrozen(config));
  assert.deepEqual(JSON.parse(canonicalJson(config)), JSON.parse(JSON.stringify(config)));
}

for (const [what, from] of Object.entries({ 'a section': section, anything: given })) {
  test(`${what} is resolved or refused`, () => {
    const surroundings = { configuration: () => ({ a: 1 }) };
    fc.assert(
      fc.property(from, fc.boolean(), (value, hasExporter) => {
        const exporter = { type: 'console' };
        const isObject = typeof value === 'object' && value !== null && hasExporter;
        const options: unknown = isObject ? { ...value, exporter } : value;
        assertResolvedOrRefused(() => resolveMetricsConfig(options as MetricsOptions, {}, surroundings));
        assertResolvedOrRefused(() => resolveTracesConfig(options as TracesOptions, {}, surroundings));
      }),
      { numRuns: 1000 },
    );
  });
}
