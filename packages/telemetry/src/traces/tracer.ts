/**
 * Tracer and TracerProvider of `@opentelemetry/api`: the SDK's, with what this process has inherited as the parent of spans
 * that have no other.
 *
 * Failure behaviour: what the SDK throws for hostile options gives a span that is not recorded, counted as dropped.
 */
import {
  context,
  INVALID_SPAN_CONTEXT,
  trace,
  type Context,
  type Span,
  type SpanContext,
  type SpanOptions,
  type Tracer,
  type TracerOptions,
  type TracerProvider,
} from '@opentelemetry/api';
import type { Recorder } from '../record/recorder.ts';
import { withInherited } from './context.ts';

/** What the tracers of one provider share. */
export interface Tracing {
  readonly recorder: Recorder;
  readonly provider: TracerProvider;
  readonly inherited: SpanContext | undefined;
}

class RecordingTracer implements Tracer {
  readonly #tracing: Tracing;
  readonly #tracer: Tracer;

  constructor(tracing: Tracing, tracer: Tracer) {
    this.#tracing = tracing;
    this.#tracer = tracer;
  }

  startSpan(name: string, options: SpanOptions = {}, parent: Context = context.active()): Span {
    try {
      return this.#tracer.startSpan(name, options, withInherited(parent, this.#tracing.inherited));
    } catch {
      this.#tracing.recorder.drop('invalid_attributes', 1);
      return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
    }
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, fn: F): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    options: SpanOptions,
    fn: F,
  ): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    options: SpanOptions,
    parent: Context,
    fn: F,
  ): ReturnType<F>;
  startActiveSpan(name: string, ...rest: Rest): unknown {
    const [options, parent, fn] = argumentsOf(rest);
    const span = this.startSpan(name, options, parent);
    return context.with(trace.setSpan(parent, span), fn, undefined, span);
  }
}

type Rest =
  | readonly [fn: (span: Span) => unknown]
  | readonly [options: SpanOptions, fn: (span: Span) => unknown]
  | readonly [options: SpanOptions, parent: Context, fn: (span: Span) => unknown];

function argumentsOf(rest: Rest): [SpanOptions, Context, (span: Span) => unknown] {
  if (rest.length === 1) return [{}, context.active(), rest[0]];
  return rest.length === 2 ? [rest[0], context.active(), rest[1]] : [...rest];
}

export class RecordingTracerProvider implements TracerProvider {
  readonly #tracing: Tracing;
  readonly #tracers = new Map<Tracer, Tracer>();

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  /** The same object for the same name, version and schema URL. */
  getTracer(name: string, version?: string, options?: TracerOptions): Tracer {
    const known = this.#tracing.provider.getTracer(name, version, options);
    let tracer = this.#tracers.get(known);
    if (tracer === undefined) {
      tracer = new RecordingTracer(this.#tracing, known);
      this.#tracers.set(known, tracer);
    }
    return tracer;
  }
}
