/**
 * The active context: what a span is the child of where the program names no parent.
 *
 * Within a thread it is OpenTelemetry's, and follows asynchronous calls. A process or thread that was started inside a span
 * inherits that span (children.ts): it is the parent of what has no other.
 */
import { getEnvironmentData } from 'node:worker_threads';
import {
  context,
  createContextKey,
  ROOT_CONTEXT,
  trace,
  type Context,
  type SpanContext,
} from '@opentelemetry/api';
import { CARRIER_KEY, OWN_TRACEPARENT, type ThreadCarrier } from './carrier.ts';
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

/** The span that was active where this process or thread was started; `undefined` where none was. */
export function inheritedSpan({ core, carrier }: TracingSdk): SpanContext | undefined {
  const propagator = new core.W3CTraceContextPropagator();
  const handed = getEnvironmentData(CARRIER_KEY) as ThreadCarrier | undefined;
  // Who gave a thread an environment of its own may have set another one on purpose.
  const getter =
    handed === undefined || OWN_TRACEPARENT !== handed.parent
      ? new carrier.EnvironmentGetter()
      : { get: (_: unknown, key: string) => handed.variables[key.toUpperCase()], keys: () => [] };
  return trace.getSpanContext(propagator.extract(ROOT_CONTEXT, undefined, getter));
}
