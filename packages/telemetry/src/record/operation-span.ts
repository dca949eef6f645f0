/**
 * The span of an operation, made by whichever tracer the program has.
 *
 * In: starts and ends. Out: one span, child of the one that was active at the start.
 * On failure: a tracer or a span that throws never reaches the operation; it then has no span, or one without its end.
 */
import {
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { GaugeName } from '../names.ts';

export class OperationSpan {
  readonly span: Span;
  /** The context in which the span is active. */
  readonly context: Context;

  constructor(span: Span, active: Context) {
    this.span = span;
    this.context = trace.setSpan(active, span);
  }

  /** Ends it. `bytes` is NaN where the operation moved none; `error` is what it failed with. */
  end(status: string, bytes: number, error?: unknown): void {
    const { span } = this;
    try {
      span.setAttribute('multistorageclient.status', status);
      if (!Number.isNaN(bytes)) span.setAttribute(GaugeName.DATA_SIZE, bytes);
      if (status !== 'success') {
        span.setStatus({ code: SpanStatusCode.ERROR, message: status });
        span.recordException(error instanceof Error ? error : String(error));
      }
      span.end();
    } catch {
      // An error may be hostile, and a foreign span may be anything.
    }
  }
}

export function startSpan(
  tracer: Tracer,
  operation: string,
  attributes: Attributes,
  active: Context,
): OperationSpan | undefined {
  try {
    const name = `multistorageclient.${operation}`;
    return new OperationSpan(tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, active), active);
  } catch {
    return undefined;
  }
}

/** The span of a context, where it is sampled: to what is not exported no latency refers. */
export function sampledSpan(within: Context): SpanContext | undefined {
  // Most programs have no span: they do not pay for the look.
  if (within === ROOT_CONTEXT) return undefined;
  try {
    const span = trace.getSpanContext(within);
    const isSampled = span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) !== 0;
    return isSampled && isSpanContextValid(span) ? span : undefined;
  } catch {
    return undefined;
  }
}
