import { createTraceState, type HrTime, type Link, type SpanContext } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { decodeAttributes } from '../journal/attributes.ts';
import { groupByScope } from './span-groups.ts';
import type { SpanBatch, SpanLink, SpanRecord, SpanTime } from './spans.ts';

/** A batch in the SDK's form. Spans of one resource share its object, and so do those of one scope. */
export function toReadableSpans(batch: SpanBatch): ReadableSpan[] {
  return batch.resources.flatMap(({ resource: { attributes, schemaUrl }, spans }) => {
    const resource = resourceFromAttributes(attributes, schemaUrl === undefined ? {} : { schemaUrl });
    return groupByScope(spans).flatMap(({ scope, spans: ofScope }) =>
      ofScope.map((span) => toReadableSpan(span, resource, scope)),
    );
  });
}

function toReadableSpan(
  span: SpanRecord,
  resource: ReadableSpan['resource'],
  scope: ReadableSpan['instrumentationScope'],
): ReadableSpan {
  const context = contextOf(span);
  const { traceId, parentSpanId, parentIsRemote, flags } = span;
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => context,
    ...(parentSpanId !== undefined && {
      parentSpanContext: {
        traceId,
        spanId: parentSpanId,
        traceFlags: flags,
        ...(parentIsRemote !== undefined && { isRemote: parentIsRemote }),
      },
    }),
    startTime: [...span.start],
    endTime: [...span.end],
    status: span.status,
    attributes: decodeAttributes(span.attributes),
    links: span.links.map(toLink),
    events: span.events.map(({ name, time, attributes, droppedAttributes }) => ({
      name,
      time: [...time] satisfies HrTime,
      attributes: decodeAttributes(attributes),
      droppedAttributesCount: droppedAttributes,
    })),
    duration: durationOf(span.start, span.end),
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: span.droppedAttributes,
    droppedEventsCount: span.droppedEvents,
    droppedLinksCount: span.droppedLinks,
  };
}

function toLink(link: SpanLink): Link {
  return {
    context: contextOf(link),
    attributes: decodeAttributes(link.attributes),
    droppedAttributesCount: link.droppedAttributes,
  };
}

function contextOf({ traceId, spanId, flags, traceState }: SpanRecord | SpanLink): SpanContext {
  return {
    traceId,
    spanId,
    traceFlags: flags,
    ...(traceState !== undefined && { traceState: createTraceState(traceState) }),
  };
}

function durationOf([startSeconds, startNanos]: SpanTime, [seconds, nanos]: SpanTime): HrTime {
  return nanos < startNanos
    ? [seconds - startSeconds - 1, nanos - startNanos + 1_000_000_000]
    : [seconds - startSeconds, nanos - startNanos];
}
