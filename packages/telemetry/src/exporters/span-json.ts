import { decodeAttributes, type EncodedAttributes } from '../journal/attributes.ts';
import { array, encodeAttributes, encodeTime, object, text } from './otlp-json-values.ts';
import { groupByScope, otlpFlags } from './span-groups.ts';
import type { SpanBatch, SpanEvent, SpanLink, SpanRecord } from './spans.ts';

/**
 * Encodes a batch as the JSON text of one TracesData, without a line break: ids in hexadecimal digits, enumerations as
 * numbers, as OTLP has it.
 *
 * @throws RangeError where the batch is too big for a string.
 */
export function encodeSpansJson(batch: SpanBatch): string {
  const resourceSpans = batch.resources.map(({ resource, spans }) =>
    object({
      resource: object({ attributes: encodeAttributes(resource.attributes) }),
      scopeSpans: array(
        groupByScope(spans).map(({ scope, spans: ofScope }) =>
          object({
            scope: object({ name: JSON.stringify(scope.name), version: text(scope.version) }),
            spans: array(ofScope.map(encodeSpan)),
            schemaUrl: text(scope.schemaUrl),
          }),
        ),
      ),
      schemaUrl: text(resource.schemaUrl),
    }),
  );
  return object({ resourceSpans: array(resourceSpans) });
}

function encodeSpan(span: SpanRecord): string {
  const { code, message } = span.status;
  return object({
    traceId: JSON.stringify(span.traceId),
    spanId: JSON.stringify(span.spanId),
    traceState: text(span.traceState),
    parentSpanId: text(span.parentSpanId),
    flags: String(otlpFlags(span.flags, span.parentIsRemote)),
    name: JSON.stringify(span.name),
    // OTLP's first kind is "unspecified"; the API has none.
    kind: String(span.kind + 1),
    startTimeUnixNano: encodeTime(...span.start),
    endTimeUnixNano: encodeTime(...span.end),
    attributes: attributesOf(span),
    droppedAttributesCount: count(span.droppedAttributes),
    events: list(span.events.map(encodeEvent)),
    droppedEventsCount: count(span.droppedEvents),
    links: list(span.links.map(encodeLink)),
    droppedLinksCount: count(span.droppedLinks),
    status: object({ message: text(message), code: count(code) }),
  });
}

function encodeEvent(event: SpanEvent): string {
  return object({
    timeUnixNano: encodeTime(...event.time),
    name: JSON.stringify(event.name),
    attributes: attributesOf(event),
    droppedAttributesCount: count(event.droppedAttributes),
  });
}

function encodeLink(link: SpanLink): string {
  return object({
    traceId: JSON.stringify(link.traceId),
    spanId: JSON.stringify(link.spanId),
    traceState: text(link.traceState),
    attributes: attributesOf(link),
    droppedAttributesCount: count(link.droppedAttributes),
    flags: String(otlpFlags(link.flags, undefined)),
  });
}

function attributesOf({ attributes }: { readonly attributes: EncodedAttributes }): string | undefined {
  return attributes.length === 0 ? undefined : encodeAttributes(decodeAttributes(attributes));
}

function list(items: readonly string[]): string | undefined {
  return items.length === 0 ? undefined : array(items);
}

function count(value: number): string | undefined {
  return value === 0 ? undefined : String(value);
}
