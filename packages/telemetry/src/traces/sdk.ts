/**
 * OpenTelemetry's tracing SDK, loaded when the first tracer is asked for: a program without traces never pays for it.
 * Synchronous, because the accessors of `Telemetry` are.
 */
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

export interface TracingSdk {
  readonly trace: typeof import('@opentelemetry/sdk-trace');
  readonly resources: typeof import('@opentelemetry/resources');
  readonly contexts: typeof import('@opentelemetry/context-async-hooks');
  readonly core: typeof import('@opentelemetry/core');
  readonly carrier: typeof import('@opentelemetry/propagator-env-carrier');
}

/** @throws whatever a missing or broken installation throws. */
export function loadTracingSdk(): TracingSdk {
  return {
    trace: load('@opentelemetry/sdk-trace') as TracingSdk['trace'],
    resources: load('@opentelemetry/resources') as TracingSdk['resources'],
    contexts: load('@opentelemetry/context-async-hooks') as TracingSdk['contexts'],
    core: load('@opentelemetry/core') as TracingSdk['core'],
    carrier: load('@opentelemetry/propagator-env-carrier') as TracingSdk['carrier'],
  };
}
