/**
 * Spans in a journal: JSON of SPAN_STARTS and SPANS frames.
 *
 * In: a frame. Out: the spans in it. Invariant: what comes out has the shape of its type, whatever a file holds.
 * On failure: an entry that is no span is left out; attributes are looked at where they are decoded.
 */
import type { SpanEvent, SpanLink, SpanRecord, SpanStart, SpanTime } from '../exporters/spans.ts';
import { decodeJson, type Frame } from './frame.ts';

type Fields<T> = Partial<Record<keyof T, unknown>>;

/** Spans that have started. */
export function readSpanStarts(frame: Frame): SpanStart[] {
  return listOf(decodeJson(frame)).filter(isSpanStart);
}

/** Spans that have ended. */
export function readSpans(frame: Frame): SpanRecord[] {
  return listOf(decodeJson(frame)).filter(isSpanRecord);
}

/** Ids of spans that have ended without a place in the journal. */
export function readLostSpans(frame: Frame): string[] {
  return listOf(decodeJson(frame)).filter((id): id is string => isId(id, 16));
}

function isSpanRecord(value: unknown): value is SpanRecord {
  const span = fieldsOf<SpanRecord>(value);
  const { code, message } = fieldsOf<SpanRecord['status']>(span.status);
  return (
    isSpanStart(value) &&
    isTime(span.end) &&
    [code, span.droppedAttributes, span.droppedEvents, span.droppedLinks].every(isCount) &&
    isOptionalText(message) &&
    Array.isArray(span.events) &&
    span.events.every(isEvent)
  );
}

function isSpanStart(value: unknown): value is SpanStart {
  const span = fieldsOf<SpanStart>(value);
  const scope = fieldsOf<SpanStart['scope']>(span.scope);
  return (
    isId(span.traceId, 32) &&
    isId(span.spanId, 16) &&
    (span.parentSpanId === undefined || isId(span.parentSpanId, 16)) &&
    (span.parentIsRemote === undefined || typeof span.parentIsRemote === 'boolean') &&
    isOptionalText(span.traceState) &&
    [span.flags, span.kind].every(isCount) &&
    [span.name, scope.name].every((text) => typeof text === 'string') &&
    [scope.version, scope.schemaUrl].every(isOptionalText) &&
    isTime(span.start) &&
    Array.isArray(span.attributes) &&
    Array.isArray(span.links) &&
    span.links.every(isLink)
  );
}

function isEvent(value: unknown): value is SpanEvent {
  const { name, time, attributes, droppedAttributes } = fieldsOf<SpanEvent>(value);
  return typeof name === 'string' && isTime(time) && Array.isArray(attributes) && isCount(droppedAttributes);
}

function isLink(value: unknown): value is SpanLink {
  const { traceId, spanId, traceState, flags, attributes, droppedAttributes } = fieldsOf<SpanLink>(value);
  return (
    isId(traceId, 32) &&
    isId(spanId, 16) &&
    isOptionalText(traceState) &&
    [flags, droppedAttributes].every(isCount) &&
    Array.isArray(attributes)
  );
}

function isTime(value: unknown): value is SpanTime {
  const [seconds, nanos, more] = listOf(value);
  return isCount(seconds) && isCount(nanos) && nanos < 1e9 && more === undefined;
}

function isId(value: unknown, digits: number): boolean {
  return typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function fieldsOf<T>(value: unknown): Fields<T> {
  return typeof value === 'object' && value !== null ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
