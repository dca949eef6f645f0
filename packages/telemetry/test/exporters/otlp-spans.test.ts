import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import fc from 'fast-check';
import { encodeSpansProtobuf } from '../../src/exporters/otlp-spans.ts';
import { ProtobufWriter } from '../../src/exporters/protobuf-writer.ts';
import { toReadableSpans } from '../../src/exporters/readable-spans.ts';
import { anySpanBatch } from './any-spans.ts';
import { OTHER_RESOURCE, RESOURCE, SCOPE, SECONDS } from './batches.ts';
import { Message } from './protobuf.ts';
import { FULL_SPAN, span, spanBatchOf, TRACE_ID } from './span-batches.ts';

const SECOND_NANOS = 1_000_000_000n;
const BASE = BigInt(SECONDS) * SECOND_NANOS;

suite('spans as OTLP protobuf', () => {
  test("whatever the spans, the bytes are those of OpenTelemetry's serializer", () => {
    const used = new ProtobufWriter();
    fc.assert(
      fc.property(anySpanBatch, (batch) => {
        const official = ProtobufTraceSerializer.serializeRequest(toReadableSpans(batch)) ?? [];
        const expected = Buffer.from(official).toString('hex');
        assert.equal(Buffer.from(encodeSpansProtobuf(batch)).toString('hex'), expected);
        assert.equal(Buffer.from(encodeSpansProtobuf(batch, used)).toString('hex'), expected);
      }),
    );
  });

  test('spans of several processes are one request, each under its own resource and scope', () => {
    const other = { name: 'other', version: '2', schemaUrl: 'https://example.com/scope' };
    const batch = spanBatchOf(
      // A scope is the same by what it holds: each journal has an object of its own.
      [RESOURCE, [span('a'), span('b', { scope: other }), span('c', { scope: { ...SCOPE } })]],
      [OTHER_RESOURCE, [span('d')]],
    );
    const resources = new Message(encodeSpansProtobuf(batch)).all(1);
    const found = resources.map((resource) => ({
      service: resource.only(1).all(1)[0].only(2).text(1),
      schemaUrl: resource.text(3),
      scopes: resource.all(2).map((scope) => ({
        scope: [scope.only(1).text(1), scope.only(1).text(2), scope.text(3)],
        spans: scope.all(2).map((each) => each.text(5)),
      })),
    }));
    assert.deepEqual(found, [
      {
        service: 'copier',
        schemaUrl: RESOURCE.schemaUrl,
        scopes: [
          { scope: ['storage', '1.2.3', ''], spans: ['a', 'c'] },
          { scope: ['other', '2', 'https://example.com/scope'], spans: ['b'] },
        ],
      },
      {
        service: 'reader',
        schemaUrl: '',
        scopes: [{ scope: ['storage', '1.2.3', ''], spans: ['d'] }],
      },
    ]);
  });

  test('a span with everything', () => {
    const found = new Message(encodeSpansProtobuf(spanBatchOf([RESOURCE, [FULL_SPAN]]))).only(1, 2, 2);
    assert.deepEqual(
      [found.hex(1), found.hex(2), found.text(3), found.hex(4), found.text(5), found.varint(6)],
      [TRACE_ID, 'b7ad6b7169203331', 'vendor=a,other=b', '00f067aa0ba902b7', 'copy', 3n],
    );
    assert.equal(found.fixed64(7), BASE + 999_999_999n);
    assert.equal(found.fixed64(8), BASE + 2n * SECOND_NANOS + 123_456_789n);
    assert.deepEqual([found.varint(10), found.varint(12), found.varint(14)], [1n, 2n, 3n]);
    assert.equal(found.fixed32(16), 0x301, 'sampled, and its parent is known to be remote');
    const attributes = found.all(9).map((pair) => [pair.text(1), pair.only(2)] as const);
    const values = Object.fromEntries(attributes);
    assert.equal(values['key'].text(1), 'a/b');
    assert.equal(values['size'].varint(3), 2n ** 53n);
    assert.equal(values['ratio'].double(4), 0.5);
    const event = found.only(11);
    assert.deepEqual(
      [event.fixed64(1), event.text(2), event.only(3, 2).varint(3), event.varint(4)],
      [BASE + SECOND_NANOS + 5n, 'retry', 2n, 4n],
    );
    const link = found.only(13);
    assert.deepEqual(
      [link.hex(1), link.hex(2), link.text(3), link.only(4, 2).text(1), link.varint(5)],
      ['c91308c112be8448dd34dc6191567fa0', '1111111111111111', 'vendor=c', 'batch', 5n],
    );
    assert.deepEqual([found.only(15).text(2), found.only(15).varint(3)], ['no space', 2n]);
  });

  test('a span with nothing', () => {
    const found = new Message(encodeSpansProtobuf(spanBatchOf([RESOURCE, [span('a')]]))).only(1, 2, 2);
    assert.deepEqual(
      [3, 4, 9, 11, 13].filter((field) => found.has(field)),
      [],
    );
    assert.equal(found.fixed32(16), 0x101);
    assert.equal(found.varint(6), 1n, 'internal');
  });

  test('the same batch gives the same bytes', () => {
    const batch = spanBatchOf([RESOURCE, [FULL_SPAN, span('b')]], [OTHER_RESOURCE, [span('c')]]);
    const copy = JSON.parse(JSON.stringify(batch)) as typeof batch;
    assert.deepEqual(encodeSpansProtobuf(batch), encodeSpansProtobuf(copy));
  });
});
