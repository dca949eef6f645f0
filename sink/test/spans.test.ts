import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createTraceState } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { type Sink, type Span, startSink } from '../src/index.ts';
import { SpanDecoder } from '../src/spans.ts';
import { MalformedError } from '../src/wire.ts';

type ReadableSpans = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0];

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

/** Spans as OpenTelemetry's own exporter encodes them: the independent half of these tests. */
function encode(...names: string[]): Uint8Array<ArrayBuffer> {
  const resource = resourceFromAttributes({ 'service.name': 'encoder' });
  const instrumentationScope = { name: 'scope', version: '1.2.3' };
  const spans: ReadableSpans = names.map((name, index) => ({
    name,
    kind: 2,
    spanContext: () => ({
      traceId: TRACE_ID,
      spanId: '00f067aa0ba902b7',
      traceFlags: 1,
      traceState: createTraceState('a=b'),
    }),
    parentSpanContext: { traceId: TRACE_ID, spanId: '1111111111111111', traceFlags: 1, isRemote: true },
    startTime: [1_700_000_000, index],
    endTime: [1_700_000_001, 999_999_999],
    status: { code: 2, message: 'no' },
    attributes: { size: 2 ** 40, ok: true },
    links: [
      {
        context: { traceId: TRACE_ID, spanId: '2222222222222222', traceFlags: 0 },
        attributes: { why: 'x' },
        droppedAttributesCount: 4,
      },
    ],
    events: [{ name: 'e', time: [1_700_000_000, 5], attributes: { n: 1 }, droppedAttributesCount: 5 }],
    duration: [1, 0],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 1,
    droppedEventsCount: 2,
    droppedLinksCount: 3,
  }));
  return Uint8Array.from(ProtobufTraceSerializer.serializeRequest(spans) ?? []);
}

const EXPECTED: Span = {
  traceId: TRACE_ID,
  spanId: '00f067aa0ba902b7',
  parentSpanId: '1111111111111111',
  traceState: 'a=b',
  flags: 0x301,
  name: 'copy',
  kind: 3,
  startTime: 1_700_000_000_000_000_000n,
  endTime: 1_700_000_001_999_999_999n,
  attributes: { size: 2 ** 40, ok: true },
  droppedAttributes: 1,
  events: [{ name: 'e', time: 1_700_000_000_000_000_005n, attributes: { n: 1 }, droppedAttributes: 5 }],
  droppedEvents: 2,
  links: [
    {
      traceId: TRACE_ID,
      spanId: '2222222222222222',
      traceState: '',
      flags: 0x100,
      attributes: { why: 'x' },
      droppedAttributes: 4,
    },
  ],
  droppedLinks: 3,
  status: { code: 2, message: 'no' },
  resource: { 'service.name': 'encoder' },
  scope: { name: 'scope', version: '1.2.3' },
};

function post(sink: Sink, body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  const type = typeof body === 'string' ? 'application/json' : 'application/x-protobuf';
  return fetch(sink.tracesUrl, { method: 'POST', headers: { 'content-type': type }, body });
}

async function start(test: TestContext): Promise<Sink> {
  const sink = await startSink();
  test.after(() => sink.close());
  return sink;
}

describe('spans in the sink', () => {
  it('are decoded whole', () => {
    assert.deepEqual(new SpanDecoder().decode(encode('copy')), [EXPECTED]);
    assert.deepEqual(new SpanDecoder().decode(new Uint8Array()), []);
  });

  it('are kept once, in protobuf and in JSON', async (test) => {
    const sink = await start(test);
    assert.equal((await post(sink, encode('a', 'b'))).status, 200);
    assert.equal((await post(sink, encode('a', 'b'))).status, 200);
    const span = { traceId: TRACE_ID, spanId: '00f067aa0ba902b7', name: 'c', startTimeUnixNano: '7' };
    const answer = await post(sink, JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
    assert.deepEqual([answer.headers.get('content-type'), await answer.text()], ['application/json', '{}']);
    assert.deepEqual(
      sink.spans.map(({ name, startTime }) => [name, startTime]),
      [
        ['a', 1_700_000_000_000_000_000n],
        ['b', 1_700_000_000_000_000_001n],
        ['c', 7n],
      ],
    );
    assert.deepEqual(
      [sink.acceptedRequests, sink.duplicateRequests, sink.duplicateSpans, sink.points.length],
      [3, 1, 2, 0],
    );
  });

  it('are rejected at the end of a partial success', async (test) => {
    const sink = await start(test);
    sink.respond(({ signal }) => {
      assert.equal(signal, 'traces');
      return { action: 'accept', rejectedDataPoints: 1, errorMessage: 'too old' };
    });
    await post(sink, encode('a', 'b'));
    assert.deepEqual(
      sink.spans.map(({ name }) => name),
      ['a'],
    );
    const json = await post(sink, '{"resourceSpans":[]}');
    assert.deepEqual(await json.json(), { partialSuccess: { rejectedSpans: '1', errorMessage: 'too old' } });
    assert.equal(sink.rejectedSpans, 1);
  });

  it('that are cut short are refused', () => {
    const whole = encode('copy');
    for (let length = 1; length < whole.length; length += 7) {
      assert.throws(() => new SpanDecoder().decode(whole.subarray(0, length)), MalformedError);
    }
  });
});
