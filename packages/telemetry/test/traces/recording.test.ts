import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api';
import { nextTurn } from '../record/stage.ts';
import { tracesConfig, tracesRig } from './stage.ts';

describe('a span', () => {
  test('is in the journal when it starts, and again when it ends', (t) => {
    const { recording, contents } = tracesRig(t);
    const span = recording.provider.getTracer('tests').startSpan('a', { attributes: { key: 'value' } });
    const before = contents();
    assert.deepEqual([before.starts.length, before.spans.length], [1, 0]);
    assert.deepEqual(before.open[0].attributes, [['key', 'value']]);
    span.end();
    const after = contents();
    assert.deepEqual([after.starts.length, after.spans.length, after.open.length], [1, 1, 0]);
    assert.equal(after.spans[0].spanId, span.spanContext().spanId);
    assert.deepEqual(recording.recorder.account.recorded, 1);
  });

  test('is the parent of those that start inside of it, across awaits', async (t) => {
    const { recording, contents } = tracesRig(t);
    const tracer = recording.provider.getTracer('tests');
    await tracer.startActiveSpan('outer', async (outer) => {
      await nextTurn();
      await tracer.startActiveSpan('inner', {}, async (inner) => {
        await nextTurn();
        inner.end();
      });
      tracer.startActiveSpan('other', { root: true }, context.active(), (other) => other.end());
      outer.end();
    });
    const [inner, other, outer] = contents().spans;
    assert.deepEqual([inner.name, other.name, outer.name], ['inner', 'other', 'outer']);
    assert.deepEqual([inner.parentSpanId, inner.traceId], [outer.spanId, outer.traceId]);
    assert.ok(other.parentSpanId === undefined && other.traceId !== outer.traceId);
    assert.equal(outer.parentSpanId, undefined);
  });

  test('that is not sampled is not written, nor counted', (t) => {
    const { recording, contents } = tracesRig(t, {}, tracesConfig({ type: 'always_off', ratio: 1 }));
    recording.provider.getTracer('tests').startSpan('a').end();
    assert.equal(contents().starts.length, 0);
    assert.equal(recording.recorder.account.recorded, 0);
  });

  test('that finds no room is dropped and counted, by journal and program alike', async (t) => {
    const { recording, contents } = tracesRig(t, {
      segmentMaxBytes: 65_536,
      memoryMaxBytes: 200_000,
      spillMaxBytes: 0,
    });
    const tracer = recording.provider.getTracer('tests');
    const first = tracer.startSpan('first');
    for (let index = 1; index < 1000; index++) tracer.startSpan(`${index}`).end();
    first.end();
    const { account } = recording.recorder;
    recording.close();
    const { spans, dropped, starts, open } = contents();
    assert.ok(starts.length > spans.length);
    assert.deepEqual(open, []);
    assert.ok(spans.length > 100 && spans.length < 1000);
    assert.deepEqual(dropped, { budget: 1000 - spans.length });
    assert.deepEqual([account.recorded, account.dropped], [1000, dropped]);
  });

  test('that ends after the goodbye is dropped, counted as closed', (t) => {
    const { recording, contents } = tracesRig(t);
    const span = recording.provider.getTracer('tests').startSpan('a');
    recording.close();
    span.end();
    recording.provider.getTracer('tests').startSpan('b').end();
    assert.equal(contents().ended, 1);
    assert.deepEqual(recording.recorder.account.dropped, { closed: 2 });
  });

  test('whose options cannot be read is not recorded, and the program goes on', (t) => {
    const { recording } = tracesRig(t);
    const hostile = {
      get key(): string {
        throw new Error('hostile');
      },
    };
    const span = recording.provider.getTracer('tests').startSpan('a', { attributes: hostile });
    span.end();
    assert.equal(span.isRecording(), false);
    assert.deepEqual(recording.recorder.account.dropped, { invalid_attributes: 1 });
  });
});

describe('a provider', () => {
  test('gives the same tracer for the same name and version', (t) => {
    const { provider } = tracesRig(t).recording;
    assert.equal(provider.getTracer('a', '1'), provider.getTracer('a', '1'));
    assert.notEqual(provider.getTracer('a', '1'), provider.getTracer('a', '2'));
  });

  test('can be the global one of the API', (t) => {
    const { recording, contents } = tracesRig(t);
    trace.setGlobalTracerProvider(recording.provider);
    t.after(() => trace.disable());
    trace.getTracer('library', '1.0.0').startSpan('a').end();
    assert.deepEqual(contents().spans[0].scope, { name: 'library', version: '1.0.0' });
  });

  test('samples a share of the traces, and all of those whose parent is sampled', (t) => {
    const { recording, contents } = tracesRig(
      t,
      {},
      tracesConfig({ type: 'parentbased_traceidratio', ratio: 0 }),
    );
    const tracer = recording.provider.getTracer('tests');
    const remote = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isRemote: true };
    const within = (traceFlags: TraceFlags) => trace.setSpanContext(ROOT_CONTEXT, { ...remote, traceFlags });
    tracer.startSpan('root').end();
    tracer.startSpan('not', {}, within(TraceFlags.NONE)).end();
    tracer.startSpan('sampled', {}, within(TraceFlags.SAMPLED)).end();
    const { spans } = contents();
    assert.deepEqual(
      spans.map(({ name, parentSpanId, parentIsRemote }) => [name, parentSpanId, parentIsRemote]),
      [['sampled', remote.spanId, true]],
    );
  });
});
