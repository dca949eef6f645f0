/**
 * The spans that a Collector has understood, compared with those that were made: each of them, and all that it says.
 *
 * In: spans of the Collector's file, and the ids that the program said. Out: assertions.
 */
import assert from 'node:assert/strict';
import type { ReceivedSpan } from '../support/otlp-json.ts';
import {
  MANY_SPANS,
  MANY_START,
  REMOTE,
  VARIOUS_SPANS,
  type Time,
  type VariousSpan,
} from '../support/various-spans.ts';
import { SCOPE, SERVICE_NAME } from '../support/variety.ts';

/** OTLP's flags: sampled, and that it is known whether the parent is remote; then whether it is. */
const LOCAL_PARENT = 0x101;
const REMOTE_PARENT = 0x301;

/** Fails unless all spans of various-spans.ts are there, and no others. */
export function assertSpans(spans: readonly ReceivedSpan[], ids: readonly string[], pid: number): void {
  for (const { resource, scope, traceId } of spans) {
    assert.equal(resource['service.name'], SERVICE_NAME);
    assert.equal(resource['process.pid'], pid);
    assert.deepEqual(scope, SCOPE);
    assert.equal(traceId, REMOTE.traceId);
  }
  VARIOUS_SPANS.forEach((various, index) => {
    const found = spans.filter(({ spanId }) => spanId === ids[index]);
    assert.equal(found.length, 1, various.name);
    assertSpan(found[0], various, various.parent === undefined ? undefined : ids[various.parent]);
  });
  const many = spans.filter(({ name }) => name === 'many');
  assert.equal(new Set(many.map(({ spanId }) => spanId)).size, MANY_SPANS);
  assert.deepEqual(
    many.map(({ attributes }) => attributes['number']),
    Array.from({ length: MANY_SPANS }, (_, number) => number),
  );
  for (const { start, end, attributes, parentSpanId, flags } of many) {
    assert.equal(start, nanosOf(MANY_START));
    assert.equal(end - start, BigInt(Number(attributes['number'])));
    assert.equal(parentSpanId, REMOTE.spanId);
    assert.equal(flags, REMOTE_PARENT);
  }
  assert.equal(spans.length, VARIOUS_SPANS.length + MANY_SPANS);
}

function assertSpan(span: ReceivedSpan, various: VariousSpan, parent: string | undefined): void {
  const { resource: _resource, scope: _scope, traceId: _traceId, spanId: _spanId, ...said } = span;
  const { name, kind, attributes, events, links, status } = various;
  assert.deepEqual(said, {
    name,
    parentSpanId: parent ?? REMOTE.spanId,
    traceState: REMOTE.traceState?.serialize() ?? '',
    flags: parent === undefined ? REMOTE_PARENT : LOCAL_PARENT,
    // OTLP's first kind is "unspecified"; the API has none.
    kind: kind + 1,
    start: nanosOf(various.start),
    end: nanosOf(various.end),
    attributes,
    events: events.map((event) => ({ ...event, time: nanosOf(event.time) })),
    links: links.map((link) => ({
      traceId: link.context.traceId,
      spanId: link.context.spanId,
      attributes: link.attributes,
    })),
    status: { code: status.code, message: status.message ?? '' },
  });
}

function nanosOf([seconds, nanos]: Time): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}
