import { context, createContextKey } from '@opentelemetry/api';

/** The key under which OpenTelemetry's SDK and instrumentations look; its package `core` would be loaded for nothing else. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Calls a function whose own requests must not become spans: in mode local, exporters run inside an instrumented program. */
export function withoutTracing<T>(run: () => T): T {
  return context.with(context.active().setValue(SUPPRESS_TRACING, true), run);
}
