/**
 * The active context: what a span is the child of where the program names no parent.
 *
 * Within a process it is OpenTelemetry's, and follows asynchronous calls. Across processes it is inherited: `TRACEPARENT` and
 * `TRACESTATE` of the environment (OpenTelemetry specification, environment variables as carriers).
 */
import {
  context,
  createContextKey,
  ROOT_CONTEXT,
  trace,
  type Context,
  type SpanContext,
} from '@opentelemetry/api';
import type { TracingSdk } from './sdk.ts';

/** Sets a context manager where the program has none; one that is there is never replaced. */
export function ensureContextManager({ contexts }: TracingSdk): void {
  const probe = ROOT_CONTEXT.setValue(createContextKey('multistorageclient.telemetry'), true);
  if (context.with(probe, () => context.active() === probe)) return;
  context.setGlobalContextManager(new contexts.AsyncLocalStorageContextManager().enable());
}

/** The context with what this process has inherited as its span, where no other is active. */
export function withInherited(active: Context, inherited: SpanContext | undefined): Context {
  if (inherited === undefined || trace.getSpan(active) !== undefined) return active;
  return trace.setSpanContext(active, inherited);
}

/** The span that was active where this process or thread was started. */
export function inheritedSpan({ core, carrier }: TracingSdk): SpanContext | undefined {
  const propagator = new core.W3CTraceContextPropagator();
  return trace.getSpanContext(propagator.extract(ROOT_CONTEXT, undefined, new carrier.EnvironmentGetter()));
}
