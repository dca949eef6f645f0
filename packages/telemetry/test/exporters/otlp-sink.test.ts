/** What leaves as protobuf and as JSON, over HTTP, is the same: the sink is the judge, which shares no code with either. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import {
  type Point,
  type Sink,
  type Span,
  SpanDecoder,
  startSink,
  TRACES_REQUEST,
  transcode,
} from '@multistorageclient/sink';
import fc from 'fast-check';
import { FileCredentials } from '../../src/exporters/credentials.ts';
import type { PointBatch } from '../../src/exporters/exporter.ts';
import { OtlpExporter } from '../../src/exporters/otlp-exporter.ts';
import { HttpTransport } from '../../src/exporters/otlp-http.ts';
import { METRICS } from '../../src/exporters/otlp-metrics.ts';
import type { OtlpSignal } from '../../src/exporters/otlp-signal.ts';
import { TRACES } from '../../src/exporters/otlp-traces.ts';
import type { SpanBatch } from '../../src/exporters/spans.ts';
import { encodeAttributes } from '../../src/journal/attributes.ts';
import { otlpConfig } from './backend.ts';
import { batchOf, exponential, gauge, histogram, OTHER_RESOURCE, RESOURCE, sum } from './batches.ts';
import { FULL_SPAN, span, spanBatchOf, TRACE_ID } from './span-batches.ts';

const PROTOCOLS = ['http/protobuf', 'http/json'] as const;

async function send<Batch>(
  signal: OtlpSignal<Batch>,
  url: string,
  protocol: (typeof PROTOCOLS)[number],
  batch: Batch,
): Promise<void> {
  const config = otlpConfig(url, { protocol, compression: 'gzip' });
  const exporter = new OtlpExporter(signal, config, new HttpTransport(config, new FileCredentials(config)));
  assert.deepEqual(await exporter.export(batch, 5000), { status: 'accepted', rejectedPoints: 0 });
  await exporter.shutdown();
}

/** What arrives of a batch when it is sent in each of the encodings. */
async function arrivals<Batch, Item>(
  t: TestContext,
  signal: OtlpSignal<Batch>,
  batch: Batch,
  itemsOf: (sink: Sink) => Iterable<Item>,
): Promise<Item[][]> {
  return await Promise.all(
    PROTOCOLS.map(async (protocol) => {
      const sink = await startSink();
      t.after(() => sink.close());
      await send(signal, signal === METRICS ? sink.url : sink.tracesUrl, protocol, batch);
      return [...itemsOf(sink)];
    }),
  );
}

suite('OTLP as another program reads it', () => {
  test('the points of protobuf and of JSON are the same', async (t) => {
    const batch = batchOf(
      gauge([0.1, -0, 5e-324, 1.7976931348623157e308, 2 ** 53]),
      sum(2 ** 53 - 1),
      sum(-5, { monotonic: false, resource: OTHER_RESOURCE }),
      histogram(),
      exponential(),
    );
    const [protobuf, json] = await arrivals<PointBatch, Point>(t, METRICS, batch, ({ points }) => points);
    assert.equal(protobuf.length, batch.points);
    assert.deepEqual(json, protobuf);
  });

  test('the spans of protobuf and of JSON are the same, and what was recorded', async (t) => {
    const batch = spanBatchOf([RESOURCE, [FULL_SPAN, span('b')]], [OTHER_RESOURCE, [span('c')]]);
    const [protobuf, json] = await arrivals<SpanBatch, Span>(t, TRACES, batch, ({ spans }) => spans);
    assert.deepEqual(json, protobuf);
    const [full, , third] = protobuf;
    assert.deepEqual(
      [full.traceId, full.spanId, full.parentSpanId],
      [TRACE_ID, FULL_SPAN.spanId, FULL_SPAN.parentSpanId],
    );
    assert.equal(full.endTime - full.startTime, 1_123_456_790n);
    assert.deepEqual([full.droppedAttributes, full.droppedEvents, full.droppedLinks], [1, 2, 3]);
    assert.deepEqual(third.resource, { 'service.name': 'reader' });
  });

  test('whatever the attributes and texts are', () => {
    const decoder = new SpanDecoder();
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.boolean(),
        fc.double({ noNaN: true }),
        fc.integer(),
        fc.uint8Array({ maxLength: 5 }),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('value'), { maxKeys: 3 }),
      ),
    })).value;
    const attributes = fc.dictionary(fc.string({ unit: 'binary' }), value, { maxKeys: 4 });
    fc.assert(
      fc.property(attributes, fc.string({ unit: 'binary' }), (given, name) => {
        const encoded = encodeAttributes(given);
        const batch = spanBatchOf([RESOURCE, [span(name, { attributes: encoded })]]);
        const protobuf = decoder.decode(TRACES.encodeProtobuf(batch));
        const json = decoder.decode(transcode(Buffer.from(TRACES.encodeJson(batch)), TRACES_REQUEST));
        assert.deepEqual(json, protobuf);
        assert.equal(json[0].name, name);
      }),
    );
  });
});
