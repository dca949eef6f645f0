import { encodeAttributes } from '../../src/journal/attributes.ts';
import type { ResourceDescriptor } from '../../src/exporters/exporter.ts';
import type { SpanBatch, SpanRecord } from '../../src/exporters/spans.ts';
import { SCOPE, SECONDS } from './batches.ts';

export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

/** A span as small as can be. */
export function span(name: string, over: Partial<SpanRecord> = {}): SpanRecord {
  return {
    traceId: TRACE_ID,
    spanId: 'b7ad6b7169203331',
    flags: 1,
    name,
    kind: 0,
    start: [SECONDS, 1],
    end: [SECONDS + 1, 0],
    attributes: [],
    links: [],
    scope: SCOPE,
    events: [],
    status: { code: 0 },
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    ...over,
  };
}

/** A span with everything. */
export const FULL_SPAN: SpanRecord = span('copy', {
  parentSpanId: '00f067aa0ba902b7',
  parentIsRemote: true,
  traceState: 'vendor=a,other=b',
  kind: 2,
  start: [SECONDS, 999_999_999],
  end: [SECONDS + 2, 123_456_789],
  attributes: encodeAttributes({ key: 'a/b', size: 2 ** 53, ratio: 0.5, ok: true, parts: [1, 2] }),
  events: [
    {
      name: 'retry',
      time: [SECONDS + 1, 5],
      attributes: encodeAttributes({ attempt: 2 }),
      droppedAttributes: 4,
    },
  ],
  links: [
    {
      traceId: 'c91308c112be8448dd34dc6191567fa0',
      spanId: '1111111111111111',
      traceState: 'vendor=c',
      flags: 1,
      attributes: encodeAttributes({ why: 'batch' }),
      droppedAttributes: 5,
    },
  ],
  status: { code: 2, message: 'no space' },
  droppedAttributes: 1,
  droppedEvents: 2,
  droppedLinks: 3,
});

export function spanBatchOf(
  ...resources: readonly (readonly [ResourceDescriptor, readonly SpanRecord[]])[]
): SpanBatch {
  return {
    resources: resources.map(([resource, spans]) => ({ resource, spans })),
    spans: resources.reduce((total, [, spans]) => total + spans.length, 0),
  };
}
