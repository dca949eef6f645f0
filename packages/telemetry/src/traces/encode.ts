/**
 * Spans of OpenTelemetry's SDK as entries of the journal's frames.
 *
 * In: a span, at its start or at its end. Out: its entry as a payload of bounded size.
 * Invariant: what is left out of an ended span (no place in attributes, or no room) is counted in its entry as dropped.
 * On failure: `undefined` where an entry is too large whatever is left out; throws what a hostile value throws.
 */
import { isSpanContextValid, type Attributes, type HrTime, type Link } from '@opentelemetry/api';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace';
import type { ScopeDescriptor } from '../exporters/exporter.ts';
import type { SpanEvent, SpanLink, SpanRecord, SpanStart, SpanTime } from '../exporters/spans.ts';
import { encodeAttributes, type EncodedAttributes } from '../journal/attributes.ts';
import { encodeJson } from '../journal/frame.ts';

/** Of one entry: a quarter of what gRPC takes in one message by default. */
export const MAX_SPAN_BYTES: number = 1024 * 1024;
/** Characters of a name and of a status message where everything else has been left out. */
const MAX_TEXT = 4096;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The payload of a span's start. */
export function encodeStart(span: ReadableSpan): Uint8Array | undefined {
  return fitted(startOf(span));
}

/** The payload of a span that has ended. */
export function encodeEnd(span: ReadableSpan): Uint8Array | undefined {
  const start = startOf(span);
  const { code, message } = span.status;
  const leftOut = Object.keys(span.attributes).length - start.attributes.length;
  const droppedLinks = span.droppedLinksCount + span.links.length - start.links.length;
  return fitted({
    ...start,
    end: timeOf(span.endTime),
    events: span.events.map(eventOf),
    status: message === undefined ? { code: numberOf(code) } : { code: numberOf(code), message },
    droppedAttributes: span.droppedAttributesCount + leftOut,
    droppedEvents: span.droppedEventsCount,
    droppedLinks,
  });
}

function startOf(span: ReadableSpan): SpanStart {
  const { parentSpanContext: parent } = span;
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  // Twice per span: conditional spreads would be half of the cost of an entry.
  const start: Mutable<SpanStart> = {
    traceId: traceId.toLowerCase(),
    spanId: spanId.toLowerCase(),
    flags: numberOf(traceFlags),
    name: textOf(span.name),
    kind: numberOf(span.kind),
    start: timeOf(span.startTime),
    attributes: encoded(span.attributes),
    links: span.links.filter(({ context }) => isSpanContextValid(context)).map(linkOf),
    scope: scopeOf(span.instrumentationScope),
  };
  const state = traceState?.serialize() ?? '';
  if (state !== '') start.traceState = state;
  if (parent !== undefined) {
    start.parentSpanId = parent.spanId.toLowerCase();
    start.parentIsRemote = parent.isRemote === true;
  }
  return start;
}

function scopeOf({ name, version, schemaUrl }: ScopeDescriptor): ScopeDescriptor {
  const scope: Mutable<ScopeDescriptor> = { name };
  if (version !== undefined) scope.version = version;
  if (schemaUrl !== undefined) scope.schemaUrl = schemaUrl;
  return scope;
}

function linkOf({ context, attributes = {}, droppedAttributesCount = 0 }: Link): SpanLink {
  const kept = encoded(attributes);
  const leftOut = Object.keys(attributes).length - kept.length;
  const { traceId, spanId, traceFlags, traceState } = context;
  const state = traceState?.serialize() ?? '';
  return {
    traceId: traceId.toLowerCase(),
    spanId: spanId.toLowerCase(),
    flags: numberOf(traceFlags),
    ...(state !== '' && { traceState: state }),
    attributes: kept,
    droppedAttributes: droppedAttributesCount + leftOut,
  };
}

function eventOf({ name, time, attributes = {}, droppedAttributesCount = 0 }: TimedEvent): SpanEvent {
  const kept = encoded(attributes);
  const leftOut = Object.keys(attributes).length - kept.length;
  return {
    name: textOf(name),
    time: timeOf(time),
    attributes: kept,
    droppedAttributes: droppedAttributesCount + leftOut,
  };
}

/** As it should be, whatever a program has passed. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : String(value);
}

/** Kinds, codes and flags. */
function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value % 0x1_0000_0000 : 0;
}

/** Whole seconds and nanoseconds below one second; the epoch for what is no time. */
function timeOf([seconds, nanos]: HrTime): SpanTime {
  const whole = Math.floor(seconds);
  const rest = Math.round((seconds - whole) * 1e9 + nanos);
  const carry = Math.floor(rest / 1e9);
  const isTime = whole + carry >= 0 && whole + carry < 2 ** 32;
  return isTime ? [whole + carry, rest - carry * 1e9] : [0, 0];
}

/** All attributes that have an encoding: one that has none does not take the others with it. */
function encoded(attributes: Attributes): EncodedAttributes {
  try {
    return encodeAttributes(attributes);
  } catch {
    return Object.keys(attributes)
      .toSorted()
      .flatMap((key) => {
        try {
          return encodeAttributes({ [key]: attributes[key] });
        } catch {
          return [];
        }
      });
  }
}

function fitted(entry: SpanStart | SpanRecord): Uint8Array | undefined {
  for (let left: SpanStart | SpanRecord | undefined = entry; left !== undefined; left = smaller(left)) {
    const payload = encodeJson([left]);
    if (payload.length <= MAX_SPAN_BYTES) return payload;
  }
  return undefined;
}

/** The entry with its largest part cut by half. `undefined`: there is nothing left to cut. */
function smaller(entry: SpanStart | SpanRecord): SpanStart | SpanRecord | undefined {
  const ended = 'end' in entry ? entry : undefined;
  const parts = { events: ended?.events ?? [], links: entry.links, attributes: entry.attributes };
  const [[largest]] = Object.entries(parts)
    .map(([name, items]) => [name, JSON.stringify(items).length] as const)
    .toSorted((a, b) => b[1] - a[1]);
  if (largest === 'events' && ended !== undefined && ended.events.length > 0) {
    const events = withoutLargest(ended.events);
    return { ...ended, events, droppedEvents: ended.droppedEvents + ended.events.length - events.length };
  }
  if (largest === 'links' && entry.links.length > 0) {
    const links = withoutLargest(entry.links);
    const dropped = entry.links.length - links.length;
    return { ...entry, links, ...(ended && { droppedLinks: ended.droppedLinks + dropped }) };
  }
  if (entry.attributes.length > 0) {
    const attributes = withoutLargest(entry.attributes);
    const dropped = entry.attributes.length - attributes.length;
    return { ...entry, attributes, ...(ended && { droppedAttributes: ended.droppedAttributes + dropped }) };
  }
  const message = ended?.status.message ?? '';
  if (entry.name.length <= MAX_TEXT && message.length <= MAX_TEXT) return undefined;
  const name = entry.name.slice(0, MAX_TEXT);
  if (ended === undefined) return { ...entry, name };
  return { ...ended, name, status: { ...ended.status, message: message.slice(0, MAX_TEXT) } };
}

/** Without its largest items, so that at most half of its characters are left. */
function withoutLargest<T>(items: readonly T[]): T[] {
  const sizes = items.map((item) => JSON.stringify(item).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const dropped = new Set<number>();
  let left = total;
  for (const index of [...items.keys()].toSorted((a, b) => sizes[b] - sizes[a])) {
    if (left <= total / 2) break;
    dropped.add(index);
    left -= sizes[index];
  }
  return items.filter((_, index) => !dropped.has(index));
}
