/**
 * Decodes OTLP traces requests (protobuf ExportTraceServiceRequest) into plain objects.
 *
 * In: the bytes of one request's body. Out: its spans, in the order of the message.
 * On failure: `MalformedError`.
 */
import { type Attributes, AttributeSets } from './attributes.ts';
import { BYTES, FIXED32, FIXED64, tagOf, VARINT, WireReader } from './wire.ts';

export interface Span {
  /** Lower-case hexadecimal digits; empty where there is none. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  /** W3C's flags, and OTLP's of a remote parent. */
  readonly flags: number;
  readonly name: string;
  /** OTLP's: 1 is internal. */
  readonly kind: number;
  /** Nanoseconds since the epoch. */
  readonly startTime: bigint;
  readonly endTime: bigint;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
  readonly events: readonly SpanEvent[];
  readonly droppedEvents: number;
  readonly links: readonly SpanLink[];
  readonly droppedLinks: number;
  readonly status: { readonly code: number; readonly message: string };
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
}

export interface SpanEvent {
  readonly name: string;
  readonly time: bigint;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly flags: number;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
}

/** What a field holds: the place of a nested message or of bytes, or a number. */
type Content = { readonly start: number; readonly end: number } | bigint;

export class SpanDecoder {
  readonly #attributeSets: AttributeSets = new AttributeSets();

  /** All spans of a request. Throws `MalformedError`. */
  decode(body: Uint8Array): Span[] {
    const reader = new WireReader(body);
    return new Message(reader, 0, body.byteLength, this.#attributeSets).messages(1).flatMap((ofResource) => {
      const resource = ofResource.first(1)?.attributes(1) ?? {};
      return ofResource.messages(2).flatMap((ofScope) => {
        const scope = { name: ofScope.first(1)?.text(1) ?? '', version: ofScope.first(1)?.text(2) ?? '' };
        return ofScope.messages(2).map((span) => ({ ...readSpan(span), resource, scope }));
      });
    });
  }
}

function readSpan(span: Message): Omit<Span, 'resource' | 'scope'> {
  return {
    traceId: span.hex(1),
    spanId: span.hex(2),
    traceState: span.text(3),
    parentSpanId: span.hex(4),
    name: span.text(5),
    kind: span.number(6),
    startTime: span.integer(7),
    endTime: span.integer(8),
    attributes: span.attributes(9),
    droppedAttributes: span.number(10),
    events: span.messages(11).map((event) => ({
      time: event.integer(1),
      name: event.text(2),
      attributes: event.attributes(3),
      droppedAttributes: event.number(4),
    })),
    droppedEvents: span.number(12),
    links: span.messages(13).map((link) => ({
      traceId: link.hex(1),
      spanId: link.hex(2),
      traceState: link.text(3),
      attributes: link.attributes(4),
      droppedAttributes: link.number(5),
      flags: link.number(6),
    })),
    droppedLinks: span.number(14),
    status: { message: span.first(15)?.text(2) ?? '', code: span.first(15)?.number(3) ?? 0 },
    flags: span.number(16),
  };
}

/** A message whose fields may be read by number, in any order. */
class Message {
  readonly #reader: WireReader;
  readonly #attributeSets: AttributeSets;
  readonly #start: number;
  readonly #end: number;
  readonly #fields: Map<number, Content[]> = new Map();

  constructor(reader: WireReader, start: number, end: number, attributeSets: AttributeSets) {
    this.#reader = reader;
    this.#attributeSets = attributeSets;
    this.#start = start;
    this.#end = end;
    reader.position = start;
    while (reader.position < end) {
      const tag = reader.varint(end);
      const content = this.#content(tag);
      if (content !== undefined)
        this.#fields.set(tag >>> 3, [...(this.#fields.get(tag >>> 3) ?? []), content]);
    }
  }

  #content(tag: number): Content | undefined {
    const reader = this.#reader;
    const wireType = tag & 7;
    if (wireType === VARINT && tag > 7) return reader.varint64(this.#end);
    if (wireType === FIXED64) return reader.view.getBigUint64(reader.fixed64(this.#end), true);
    const start = reader.position;
    reader.skip(tag, this.#end);
    if (wireType === FIXED32) return BigInt(reader.view.getUint32(start, true));
    const end = reader.position;
    if (wireType !== BYTES) return undefined;
    reader.position = start;
    reader.length(end);
    const content = { start: reader.position, end };
    reader.position = end;
    return content;
  }

  messages(field: number): Message[] {
    return this.#places(field).map(
      ({ start, end }) => new Message(this.#reader, start, end, this.#attributeSets),
    );
  }

  first(field: number): Message | undefined {
    return this.messages(field)[0];
  }

  integer(field: number): bigint {
    return (this.#fields.get(field) ?? []).findLast((content) => typeof content === 'bigint') ?? 0n;
  }

  number(field: number): number {
    return Number(this.integer(field));
  }

  text(field: number): string {
    const place = this.#places(field).at(-1);
    if (place === undefined) return '';
    this.#reader.position = place.start;
    return this.#reader.string(place.end);
  }

  hex(field: number): string {
    const place = this.#places(field).at(-1);
    return place === undefined ? '' : this.#reader.bytes.toString('hex', place.start, place.end);
  }

  attributes(field: number): Attributes {
    this.#reader.position = this.#start;
    return this.#attributeSets.read(this.#reader, this.#end, tagOf(field, BYTES));
  }

  #places(field: number): Exclude<Content, bigint>[] {
    return (this.#fields.get(field) ?? []).filter((content) => typeof content !== 'bigint');
  }
}
