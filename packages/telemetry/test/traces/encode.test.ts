import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SpanKind, SpanStatusCode, type Span } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import type { SpanRecord, SpanStart } from '../../src/exporters/spans.ts';
import type { Frame } from '../../src/journal/frame.ts';
import { readSpans, readSpanStarts } from '../../src/journal/spans.ts';
import { encodeEnd, encodeStart, MAX_SPAN_BYTES } from '../../src/traces/encode.ts';

const NO_LIMITS = { attributeCountLimit: Infinity, eventCountLimit: Infinity, linkCountLimit: Infinity };
const tracer = new TracerProvider({ spanLimits: NO_LIMITS }).getTracer('example', '1.2.3', {
  schemaUrl: 'u',
});
const started = (...args: Parameters<typeof tracer.startSpan>): Span & ReadableSpan =>
  tracer.startSpan(...args) as Span & ReadableSpan;
const parse = (payload: Uint8Array | undefined): unknown => {
  assert.ok(payload !== undefined && payload.length % 8 === 0 && payload.length <= MAX_SPAN_BYTES);
  return (JSON.parse(Buffer.from(payload).toString()) as unknown[])[0];
};
const end = (span: ReadableSpan): SpanRecord => parse(encodeEnd(span)) as SpanRecord;
const start = (span: ReadableSpan): SpanStart => parse(encodeStart(span)) as SpanStart;

const OTHER = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };

describe('an entry', () => {
  test('holds all that a span has', () => {
    const span = started('read', {
      kind: SpanKind.CLIENT,
      attributes: { b: [1, NaN], a: 'x' },
      links: [{ context: OTHER, attributes: { why: 'retry' } }],
      startTime: [1_767_225_600, 5],
    });
    const { traceId, spanId } = span.spanContext();
    const common = {
      traceId,
      spanId,
      flags: 1,
      name: 'read',
      kind: 2,
      start: [1_767_225_600, 5],
      attributes: [
        ['a', 'x'],
        ['b', [1, { number: 'NaN' }]],
      ],
      links: [
        {
          traceId: OTHER.traceId,
          spanId: OTHER.spanId,
          flags: 1,
          attributes: [['why', 'retry']],
          droppedAttributes: 0,
        },
      ],
      scope: { name: 'example', version: '1.2.3', schemaUrl: 'u' },
    };
    assert.deepEqual(start(span), common);
    span.addEvent('retry', { attempt: 2 }, [1_767_225_601, 0]);
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no such key' });
    span.updateName('get');
    span.end([1_767_225_602, 7]);
    assert.deepEqual(end(span), {
      ...common,
      name: 'get',
      end: [1_767_225_602, 7],
      events: [
        { name: 'retry', time: [1_767_225_601, 0], attributes: [['attempt', 2]], droppedAttributes: 0 },
      ],
      status: { code: 2, message: 'no such key' },
      droppedAttributes: 0,
      droppedEvents: 0,
      droppedLinks: 0,
    });
  });

  test('counts attributes that have no place in it, and keeps the others', () => {
    const span = started('a', {
      attributes: { many: Array.from({ length: 5000 }, () => 0), nothing: null },
    });
    span.setAttribute('kept', 1);
    span.end();
    const { attributes, droppedAttributes } = end(span);
    assert.deepEqual({ attributes, droppedAttributes }, { attributes: [['kept', 1]], droppedAttributes: 2 });
  });
});

const frame = (payload: Uint8Array): Frame => ({
  type: 11,
  version: 1,
  flags: 0,
  sequence: 1,
  rows: 1,
  units: 1,
  payload,
});

describe('what a program passes', () => {
  const anything = fc.oneof(
    fc.anything(),
    fc.double(),
    fc.date({ noInvalidDate: false }),
    fc.tuple(fc.double(), fc.double()),
    fc.record({ traceId: fc.anything(), spanId: fc.anything(), traceFlags: fc.anything() }),
    fc.constant({ ...OTHER, traceId: OTHER.traceId.toUpperCase() }),
  );
  test('gives an entry that readers take, or is refused at once', () => {
    fc.assert(
      fc.property(fc.array(anything, { minLength: 12, maxLength: 12 }), (values) => {
        const [name, kind, startTime, attributes, context, event, time, code, message, endTime, update, own] =
          values as never[];
        let payloads: (Uint8Array | undefined)[];
        try {
          const span = started(name, { kind, startTime, attributes, links: [{ context, attributes: own }] });
          const first = encodeStart(span);
          span.addEvent(event, own, time).setStatus({ code, message }).updateName(update).end(endTime);
          payloads = [first, encodeEnd(span)];
        } catch {
          return;
        }
        const [first, last] = payloads;
        assert.equal(readSpanStarts(frame(first!)).length, 1);
        assert.equal(readSpans(frame(last!)).length, 1, Buffer.from(last!).toString());
      }),
      { numRuns: 2000 },
    );
  });

  test('as a link to no span is left out, and counted', () => {
    const context = { ...OTHER, spanId: 'none' };
    const span = started('a', { links: [{ context }, { context: OTHER }] });
    span.end();
    const { links, droppedLinks } = end(span);
    assert.deepEqual([links.map(({ spanId }) => spanId), droppedLinks], [[OTHER.spanId], 1]);
  });

  test('as times in fractions, or with too many nanoseconds, are whole', () => {
    const span = started('a', { startTime: [10.5, 2e9 + 0.4] });
    span.end([20, -1]);
    const { start: from, end: to } = end(span);
    assert.deepEqual(
      [from, to],
      [
        [12, 500_000_000],
        [19, 999_999_999],
      ],
    );
  });
});

describe('an entry that would be too large', () => {
  const huge = 'x'.repeat(MAX_SPAN_BYTES);

  test('loses its largest events, and says how many', () => {
    const span = started('a', { attributes: { kept: 1 } });
    for (let event = 0; event < 10; event++) span.addEvent(`${event}`, { text: event === 3 ? huge : 'x' });
    span.end();
    const { events, droppedEvents, attributes } = end(span);
    assert.deepEqual(
      events.map(({ name }) => name),
      ['0', '1', '2', '4', '5', '6', '7', '8', '9'],
    );
    assert.equal(droppedEvents, 1);
    assert.equal(attributes.length, 1);
  });

  test('loses its largest attributes, and says how many', () => {
    const span = started('a', { attributes: { huge, small: 1 } });
    span.addEvent('kept');
    span.end();
    const { attributes, droppedAttributes, events } = end(span);
    assert.deepEqual([attributes, droppedAttributes, events.length], [[['small', 1]], 1, 1]);
    assert.deepEqual(start(span).attributes, [['small', 1]]);
  });

  test('loses links, and the end of its name and message', () => {
    const span = started(huge, { links: [{ context: OTHER, attributes: { huge } }, { context: OTHER }] });
    span.setStatus({ code: SpanStatusCode.ERROR, message: huge });
    span.end();
    const { links, droppedLinks, name, status } = end(span);
    assert.deepEqual([links.length, droppedLinks], [0, 2]);
    assert.deepEqual([name, status.message], [huge.slice(0, 4096), huge.slice(0, 4096)]);
  });

  test('is none where its scope alone is too large', () => {
    const span = new TracerProvider().getTracer(huge).startSpan('a') as Span & ReadableSpan;
    span.end();
    assert.equal(encodeEnd(span), undefined);
  });

  test('accounts for everything, whatever is in it', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.integer({ min: 1, max: 600_000 }).map((n) => 'é'.repeat(n)),
    );
    const attributes = fc.dictionary(fc.string({ minLength: 1 }), text, { maxKeys: 5 });
    fc.assert(
      fc.property(text, attributes, fc.array(attributes, { maxLength: 5 }), (name, own, others) => {
        const span = started(name, { attributes: own });
        for (const each of others) {
          span.addEvent('event', each);
          span.addLink({ context: OTHER, attributes: each });
        }
        span.end();
        const record = end(span);
        assert.equal(
          record.attributes.length + record.droppedAttributes,
          Object.keys(span.attributes).length,
        );
        assert.equal(record.events.length + record.droppedEvents, others.length);
        assert.equal(record.links.length + record.droppedLinks, others.length);
      }),
      { numRuns: 50 },
    );
  });
});
