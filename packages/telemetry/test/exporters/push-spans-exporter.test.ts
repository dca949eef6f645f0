import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ExportResult } from '@opentelemetry/core';
import { InMemorySpanExporter, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import { isSpanExporter, PushSpansExporter } from '../../src/exporters/push-spans-exporter.ts';
import { OTHER_RESOURCE, RESOURCE, SECONDS } from './batches.ts';
import { FULL_SPAN, span, spanBatchOf, TRACE_ID } from './span-batches.ts';

const BATCH = spanBatchOf([RESOURCE, [FULL_SPAN, span('b')]], [OTHER_RESOURCE, [span('c')]]);

type Done = (result: ExportResult) => void;

function exporterOf(start: (spans: ReadableSpan[], done: Done) => unknown): PushSpansExporter {
  const exporter: SpanExporter = { export: start, shutdown: async () => {} };
  return new PushSpansExporter(exporter, 'Scripted');
}

suite('any SpanExporter', () => {
  test('gets finished spans of the SDK with everything that was recorded', async () => {
    const memory = new InMemorySpanExporter();
    const outcome = await new PushSpansExporter(memory, 'Memory').export(BATCH, 5000);
    assert.deepEqual(outcome, { status: 'accepted', rejectedPoints: 0 });
    const [full, second, third] = memory.getFinishedSpans();
    const { traceState, ...context } = full.spanContext();
    assert.deepEqual(context, { traceId: TRACE_ID, spanId: 'b7ad6b7169203331', traceFlags: 1 });
    assert.equal(traceState?.get('other'), 'b');
    assert.deepEqual(full.parentSpanContext, {
      traceId: TRACE_ID,
      spanId: '00f067aa0ba902b7',
      traceFlags: 1,
      isRemote: true,
    });
    assert.deepEqual([full.name, full.kind, full.ended], ['copy', 2, true]);
    assert.deepEqual([full.startTime, full.endTime], [FULL_SPAN.start, FULL_SPAN.end]);
    assert.deepEqual(full.duration, [1, 123_456_790]);
    assert.deepEqual(
      { ...full.attributes },
      { key: 'a/b', size: 2 ** 53, ratio: 0.5, ok: true, parts: [1, 2] },
    );
    assert.deepEqual(full.status, { code: 2, message: 'no space' });
    assert.deepEqual(
      full.events.map(({ name, time, droppedAttributesCount }) => [name, time, droppedAttributesCount]),
      [['retry', [SECONDS + 1, 5], 4]],
    );
    assert.deepEqual(
      full.links.map(({ context: { spanId }, droppedAttributesCount }) => [spanId, droppedAttributesCount]),
      [['1111111111111111', 5]],
    );
    assert.deepEqual(
      [full.droppedAttributesCount, full.droppedEventsCount, full.droppedLinksCount],
      [1, 2, 3],
    );
    assert.equal(full.resource, second.resource);
    assert.equal(third.resource.attributes['service.name'], 'reader');
    assert.equal(second.parentSpanContext, undefined);
  });

  test('every way to fail is an outcome', async () => {
    const ways: [Parameters<typeof exporterOf>[0], string, RegExp][] = [
      [(_, done) => done({ code: 1, error: new Error('away') }), 'retry', /^Scripted: away$/],
      [
        (_, done) => done({ code: 1, error: Object.assign(new Error('bad'), { code: 400 }) }),
        'rejected',
        /bad/,
      ],
      [
        (_, done) => done({ code: 1, error: Object.assign(new Error('big'), { code: 413 }) }),
        'too-large',
        /big/,
      ],
      [(_, done) => done({ code: 1 }), 'retry', /without saying why/],
      [
        () => {
          throw new Error('thrown');
        },
        'retry',
        /thrown/,
      ],
      [async () => Promise.reject(new Error('rejected')), 'retry', /rejected/],
      [() => undefined, 'retry', /nothing came back within 20 ms/],
    ];
    for (const [start, status, message] of ways) {
      const outcome = await exporterOf(start).export(BATCH, 20);
      assert.ok(outcome.status !== 'accepted');
      assert.equal(outcome.status, status);
      assert.match(outcome.error.message, message);
    }
  });

  test('spans that cannot be converted are given up', async () => {
    const broken = { ...span('a'), links: undefined } as unknown as typeof FULL_SPAN;
    const outcome = await new PushSpansExporter(new InMemorySpanExporter(), 'Memory').export(
      spanBatchOf([RESOURCE, [broken]]),
      5000,
    );
    assert.equal(outcome.status, 'rejected');
  });

  test('is flushed and shut down once, whatever comes of it', async () => {
    const calls: string[] = [];
    const exporter = {
      export: () => undefined,
      forceFlush: async () => {
        calls.push('flush');
        throw new Error('no');
      },
      shutdown: async () => {
        calls.push('shutdown');
        throw new Error('no');
      },
    };
    const adapted = new PushSpansExporter(exporter, 'Broken');
    await Promise.all([adapted.shutdown(), adapted.shutdown()]);
    assert.deepEqual(calls, ['flush', 'shutdown']);
    await exporterOf(() => undefined).shutdown();
  });

  test('is known by its methods', () => {
    assert.ok(isSpanExporter(new InMemorySpanExporter()));
    for (const other of [undefined, {}, { export: () => undefined }, { shutdown: () => undefined }]) {
      assert.ok(!isSpanExporter(other));
    }
  });
});
