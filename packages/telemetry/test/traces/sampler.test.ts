import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { samplerOf, spanLimits } from '../../src/traces/sampler.ts';
import { loadTracingSdk } from '../../src/traces/sdk.ts';
import { diagnostics } from '../record/stage.ts';

describe('samplers', () => {
  const { trace } = loadTracingSdk();
  const names = {
    always_on: 'AlwaysOnSampler',
    always_off: 'AlwaysOffSampler',
    traceidratio: 'TraceIdRatioBased{0.25}',
    parentbased_always_on: /^ParentBased\{root=AlwaysOnSampler,/,
    parentbased_always_off: /^ParentBased\{root=AlwaysOffSampler,/,
    parentbased_traceidratio: /^ParentBased\{root=TraceIdRatioBased\{0.25\},/,
  } as const;
  for (const [type, name] of Object.entries(names)) {
    test(type, () => {
      const sampler = samplerOf({ type: type as keyof typeof names, ratio: 0.25 }, trace);
      assert.match(sampler.toString(), name instanceof RegExp ? name : new RegExp(`^${name}$`));
    });
  }
});

describe('limits of spans', () => {
  test('come from the environment, the more particular variable first', () => {
    assert.deepEqual(spanLimits({}), {});
    assert.deepEqual(
      spanLimits({
        OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1',
        OTEL_ATTRIBUTE_COUNT_LIMIT: '2',
        OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: ' 3 ',
        OTEL_SPAN_EVENT_COUNT_LIMIT: '4',
        OTEL_SPAN_LINK_COUNT_LIMIT: '5',
        OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '0',
        OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '7',
      }),
      {
        attributeCountLimit: 1,
        attributeValueLengthLimit: 3,
        eventCountLimit: 4,
        linkCountLimit: 5,
        attributePerEventCountLimit: 0,
        attributePerLinkCountLimit: 7,
      },
    );
  });

  test('that are no whole numbers are warned of and left alone', (t) => {
    const warnings = diagnostics(t, 'warn');
    const env = { OTEL_SPAN_EVENT_COUNT_LIMIT: 'many', OTEL_SPAN_LINK_COUNT_LIMIT: '-1' };
    assert.deepEqual(spanLimits(env), {});
    assert.equal(warnings.length, 2);
  });
});
