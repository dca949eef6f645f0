/**
 * Spans with everything that a span can hold, and many small ones. All times are given, so that they can be compared.
 *
 * The program that makes them and the test that looks for them read the same table; ids are said by the program.
 */
import {
  createTraceState,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Attributes,
  type SpanContext,
} from '@opentelemetry/api';
import { ATTRIBUTES, TEXT } from './variety.ts';

export type Time = [seconds: number, nanos: number];

export interface VariousSpan {
  readonly name: string;
  readonly kind: SpanKind;
  /** Place of its parent in the table; without one it continues `REMOTE`. */
  readonly parent?: number;
  readonly start: Time;
  readonly end: Time;
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly time: Time; readonly attributes: Attributes }[];
  readonly links: readonly { readonly context: SpanContext; readonly attributes: Attributes }[];
  readonly status: { readonly code: SpanStatusCode; readonly message?: string };
}

const SECONDS = 1_700_000_000;

/** The caller's span, in another process. */
export const REMOTE: SpanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
  traceState: createTraceState('vendor=a,other=b'),
};
const LINKED: SpanContext = {
  traceId: 'c91308c112be8448dd34dc6191567fa0',
  spanId: '00f067aa0ba902b7',
  traceFlags: TraceFlags.SAMPLED,
};

export const VARIOUS_SPANS: readonly VariousSpan[] = [
  {
    name: `everything: ${TEXT}`,
    kind: SpanKind.CLIENT,
    start: [SECONDS, 1],
    end: [SECONDS + 3, 999_999_999],
    attributes: ATTRIBUTES,
    events: [
      { name: 'retry', time: [SECONDS + 1, 2], attributes: ATTRIBUTES },
      { name: TEXT, time: [SECONDS + 2, 0], attributes: {} },
    ],
    links: [{ context: LINKED, attributes: ATTRIBUTES }],
    status: { code: SpanStatusCode.ERROR, message: TEXT },
  },
  ...[SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.PRODUCER, SpanKind.CONSUMER].map((kind, index) => ({
    name: `kind ${kind}`,
    kind,
    parent: index,
    start: [SECONDS + 1, 123_456_789] satisfies Time,
    end: [SECONDS + 1, 123_456_789 + index] satisfies Time,
    attributes: {},
    events: [],
    links: [],
    status: { code: index % 2 === 0 ? SpanStatusCode.UNSET : SpanStatusCode.OK },
  })),
];

/** Spans named `many` with an attribute `number` of 0, 1, …; each takes as many nanoseconds as its number. */
export const MANY_SPANS = 3000;
export const MANY_START: Time = [SECONDS + 10, 0];
