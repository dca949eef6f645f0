/** Arbitrary spans for property tests. */
import fc from 'fast-check';
import type { SpanBatch, SpanEvent, SpanLink, SpanRecord, SpanTime } from '../../src/exporters/spans.ts';
import { encodeAttributes } from '../../src/journal/attributes.ts';
import { anyAttributes, anyText } from './any-points.ts';
import { OTHER_RESOURCE, RESOURCE, SCOPE } from './batches.ts';
import { spanBatchOf } from './span-batches.ts';

function hex(digits: number): fc.Arbitrary<string> {
  const digit = fc.nat(15).map((value) => value.toString(16));
  return fc.array(digit, { minLength: digits, maxLength: digits }).map((all) => all.join(''));
}

function optional<T>(key: string, value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc.oneof(
    fc.constant({}),
    value.map((given) => ({ [key]: given })),
  );
}

const anyTime: fc.Arbitrary<SpanTime> = fc.tuple(fc.nat(), fc.nat(999_999_999));
const attributes = anyAttributes.map((given) => encodeAttributes(given));
const count = fc.nat();
const flags = fc.nat(255);
const ids = { traceId: hex(32), spanId: hex(16) };
/** Some that a parser leaves as they are. */
const traceState = optional('traceState', fc.constantFrom('vendor=a', 'vendor=a,other=b'));

const anyEvent: fc.Arbitrary<SpanEvent> = fc.record({
  name: anyText,
  time: anyTime,
  attributes,
  droppedAttributes: count,
});

const anyLink: fc.Arbitrary<SpanLink> = fc
  .tuple(fc.record({ ...ids, flags, attributes, droppedAttributes: count }), traceState)
  .map(([link, state]) => ({ ...link, ...state }));

const parent = fc.oneof(
  fc.constant({}),
  fc.record({ parentSpanId: hex(16) }),
  fc.record({ parentSpanId: hex(16), parentIsRemote: fc.boolean() }),
);

const anySpan: fc.Arbitrary<SpanRecord> = fc
  .tuple(
    fc.record({
      ...ids,
      flags,
      name: anyText,
      kind: fc.nat(4),
      start: anyTime,
      end: anyTime,
      attributes,
      links: fc.array(anyLink, { maxLength: 3 }),
      events: fc.array(anyEvent, { maxLength: 3 }),
      scope: fc.constantFrom(SCOPE, { name: '', schemaUrl: 'https://example.com/scope' }),
      status: fc.tuple(fc.nat(2), optional('message', anyText)).map(([code, text]) => ({ code, ...text })),
      droppedAttributes: count,
      droppedEvents: count,
      droppedLinks: count,
    }),
    parent,
    traceState,
  )
  .map((parts) => Object.assign({}, ...parts));

const anySpans = fc.array(anySpan, { minLength: 1, maxLength: 4 });

export const anySpanBatch: fc.Arbitrary<SpanBatch> = fc
  .tuple(anySpans, fc.array(anySpan, { maxLength: 3 }))
  .map(([first, second]) => {
    return second.length === 0
      ? spanBatchOf([RESOURCE, first])
      : spanBatchOf([RESOURCE, first], [OTHER_RESOURCE, second]);
  });
