/** From a resolved configuration and the environment to what the SDK's tracer provider takes. */
import type { Sampler, SpanLimits } from '@opentelemetry/sdk-trace';
import { diag } from '@opentelemetry/api';
import type { SamplerConfig } from '../config/signals.ts';
import type { TracingSdk } from './sdk.ts';

/** The sampler of a configuration (trace SDK specification, built-in samplers). */
export function samplerOf({ type, ratio }: SamplerConfig, sdk: TracingSdk['trace']): Sampler {
  const root = type.replace('parentbased_', '');
  let sampler: Sampler;
  if (root === 'always_on') sampler = new sdk.AlwaysOnSampler();
  else if (root === 'always_off') sampler = new sdk.AlwaysOffSampler();
  else sampler = new sdk.TraceIdRatioBasedSampler(ratio);
  return root === type ? sampler : new sdk.ParentBasedSampler({ root: sampler });
}

/** Variables of each limit, the more particular first; SDK 3.x itself reads none of them. */
const VARIABLES: Readonly<Record<keyof SpanLimits, readonly string[]>> = {
  attributeValueLengthLimit: ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
  attributeCountLimit: ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
  eventCountLimit: ['OTEL_SPAN_EVENT_COUNT_LIMIT'],
  linkCountLimit: ['OTEL_SPAN_LINK_COUNT_LIMIT'],
  attributePerEventCountLimit: ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT'],
  attributePerLinkCountLimit: ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT'],
};

/** Limits that the environment sets (environment variable specification); one that is no whole number is warned of. */
export function spanLimits(env: Readonly<NodeJS.ProcessEnv>): SpanLimits {
  const limits: SpanLimits = {};
  for (const [limit, variables] of Object.entries(VARIABLES)) {
    for (const variable of variables) {
      const text = env[variable]?.trim() ?? '';
      if (text === '') continue;
      const value = Number(text);
      if (Number.isSafeInteger(value) && value >= 0) {
        limits[limit as keyof SpanLimits] = value;
        break;
      }
      diag.warn(
        `${variable}: got ${JSON.stringify(text)}, expected a whole number from 0; using the default`,
      );
    }
  }
  return limits;
}
