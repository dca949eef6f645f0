/**
 * Spans as OTLP protobuf, straight from the journal's records.
 *
 * In: a batch. Out: the bytes of one ExportTraceServiceRequest: those of OpenTelemetry's own serializer.
 * Invariant: the same batch gives the same bytes. It is written backwards (`protobuf-writer.ts`).
 * On failure: RangeError where the batch is too big for a buffer.
 */
import { decodeAttributes } from '../journal/attributes.ts';
import { writeAttributes, writeResources, writeText } from './otlp-attributes.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import { groupByScope, otlpFlags } from './span-groups.ts';
import type { SpanBatch, SpanEvent, SpanLink, SpanRecord } from './spans.ts';

/**
 * Encodes a batch as one ExportTraceServiceRequest, which lies in the writer until that is used again.
 *
 * @throws RangeError where the batch is too big for a buffer.
 */
export function encodeSpansProtobuf(
  batch: SpanBatch,
  writer: ProtobufWriter = new ProtobufWriter(),
): Uint8Array {
  writer.reset();
  const resources = batch.resources.map(({ resource, spans }) => ({ resource, scopes: groupByScope(spans) }));
  writeResources(writer, resources, ({ spans }) => {
    for (let index = spans.length - 1; index >= 0; index--) writeSpan(writer, spans[index]);
  });
  return writer.written;
}

function writeSpan(writer: ProtobufWriter, span: SpanRecord): void {
  const before = writer.size;
  writer.fixed32Field(16, otlpFlags(span.flags, span.parentIsRemote));
  writeStatus(writer, span.status);
  writer.varintField(14, span.droppedLinks);
  for (const link of span.links.toReversed()) writeLink(writer, link);
  writer.varintField(12, span.droppedEvents);
  for (const event of span.events.toReversed()) writeEvent(writer, event);
  writer.varintField(10, span.droppedAttributes);
  writeAttributes(writer, 9, decodeAttributes(span.attributes));
  writer.timeField(8, ...span.end);
  writer.timeField(7, ...span.start);
  // OTLP's first kind is "unspecified"; the API has none.
  writer.varintField(6, span.kind + 1);
  writer.stringField(5, span.name);
  if (span.parentSpanId !== undefined && span.parentSpanId !== '') writer.hexField(4, span.parentSpanId);
  writeText(writer, 3, span.traceState);
  writer.hexField(2, span.spanId);
  writer.hexField(1, span.traceId);
  writer.message(2, before);
}

function writeStatus(writer: ProtobufWriter, { code, message }: SpanRecord['status']): void {
  const before = writer.size;
  writer.varintField(3, code);
  writeText(writer, 2, message);
  writer.message(15, before);
}

function writeEvent(writer: ProtobufWriter, event: SpanEvent): void {
  const before = writer.size;
  writer.varintField(4, event.droppedAttributes);
  writeAttributes(writer, 3, decodeAttributes(event.attributes));
  writer.stringField(2, event.name);
  writer.timeField(1, ...event.time);
  writer.message(11, before);
}

function writeLink(writer: ProtobufWriter, link: SpanLink): void {
  const before = writer.size;
  writer.fixed32Field(6, otlpFlags(link.flags, undefined));
  writer.varintField(5, link.droppedAttributes);
  writeAttributes(writer, 4, decodeAttributes(link.attributes));
  writeText(writer, 3, link.traceState);
  writer.hexField(2, link.spanId);
  writer.hexField(1, link.traceId);
  writer.message(13, before);
}
