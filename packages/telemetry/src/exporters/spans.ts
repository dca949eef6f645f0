/**
 * What the pipeline of traces hands to an exporter: finished spans, as they lie in the journal.
 *
 * Everything is plain JSON, and a pure function of the journal and of the plan, so that the same plan gives the same bytes.
 */
import type { EncodedAttributes } from '../journal/attributes.ts';
import type { ResourceDescriptor, ScopeDescriptor } from './exporter.ts';

/** Epoch time: seconds and nanoseconds. */
export type SpanTime = readonly [seconds: number, nanos: number];

/** What is known of a span when it starts. */
export interface SpanStart {
  /** 32 and 16 hexadecimal digits in lower case. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly parentIsRemote?: boolean;
  /** W3C trace state, as in the header. */
  readonly traceState?: string;
  /** W3C trace flags. */
  readonly flags: number;
  readonly name: string;
  /** `SpanKind` of the API. */
  readonly kind: number;
  readonly start: SpanTime;
  readonly attributes: EncodedAttributes;
  readonly links: readonly SpanLink[];
  readonly scope: ScopeDescriptor;
}

/** A finished span. */
export interface SpanRecord extends SpanStart {
  readonly end: SpanTime;
  readonly events: readonly SpanEvent[];
  /** `SpanStatusCode` of the API. */
  readonly status: { readonly code: number; readonly message?: string };
  /** What the span's limits left out. */
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
}

export interface SpanEvent {
  readonly name: string;
  readonly time: SpanTime;
  readonly attributes: EncodedAttributes;
  readonly droppedAttributes: number;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState?: string;
  readonly flags: number;
  readonly attributes: EncodedAttributes;
  readonly droppedAttributes: number;
}

/** Spans of one process. */
export interface ResourceSpans {
  /** The same object for the same resource, so that it can be compared and cached by identity. */
  readonly resource: ResourceDescriptor;
  /** In the order of the journal. */
  readonly spans: readonly SpanRecord[];
}

/** What one request carries. */
export interface SpanBatch {
  readonly resources: readonly ResourceSpans[];
  /** Spans in all. */
  readonly spans: number;
}
