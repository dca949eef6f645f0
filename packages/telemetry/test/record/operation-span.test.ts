import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { FrameType } from '../../src/journal/frame.ts';
import { RecordingOperations, type OperationsOptions } from '../../src/record/operations.ts';
import { VERSION } from '../../src/version.ts';
import { tracesRig } from '../traces/stage.ts';
import { rig, type Rig } from './stage.ts';

const NONE = `${'0'.repeat(32)} ${'0'.repeat(16)}`;
const ACTIVE: SpanContext = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  traceFlags: TraceFlags.SAMPLED,
};
const idsOf = ({ traceId, spanId }: Pick<SpanContext, 'traceId' | 'spanId'>): string =>
  `${traceId} ${spanId}`;

interface Operations extends Rig {
  readonly operations: RecordingOperations;
  /** What the journal refers to, operation by operation. */
  readonly referred: () => (string | undefined)[];
}

function operations(
  t: { after(then: () => void): void },
  options: Partial<OperationsOptions> = {},
): Operations {
  const made = rig(t);
  const referred = (): (string | undefined)[] => {
    made.recorder.flush();
    return made.contents().operations.map(({ span }) => span);
  };
  return {
    ...made,
    operations: new RecordingOperations(made.recorder, { provider: 's3', ...options }),
    referred,
  };
}

const fail = (): never => {
  throw new Error('broken');
};

const within = <T>(span: SpanContext, run: () => T): T =>
  context.with(trace.setSpanContext(ROOT_CONTEXT, span), run);

describe('an operation with a tracer', () => {
  test('is a span, child of the active one, to which its latency refers', (t) => {
    const { recording, contents } = tracesRig(t);
    const tracer = recording.provider.getTracer('tests');
    const made = operations(t, { tracer, attributes: { bucket: 'b' } });
    const operation = within(ACTIVE, () => made.operations.start('read'));
    context.with(operation.context, () => tracer.startSpan('inner').end());
    operation.succeed(4096);
    operation.succeed(1);

    const [inner, span] = contents().spans;
    assert.deepEqual([span.name, span.kind], ['multistorageclient.read', SpanKind.CLIENT]);
    assert.deepEqual([span.traceId, span.parentSpanId], [ACTIVE.traceId, ACTIVE.spanId]);
    assert.deepEqual(inner.parentSpanId, span.spanId);
    assert.deepEqual(Object.fromEntries(span.attributes), {
      bucket: 'b',
      'multistorageclient.data_size': 4096,
      'multistorageclient.operation': 'read',
      'multistorageclient.provider': 's3',
      'multistorageclient.status': 'success',
      'multistorageclient.version': VERSION,
    });
    assert.equal(span.status.code, SpanStatusCode.UNSET);
    assert.deepEqual(made.referred(), [idsOf(span)]);
  });

  test('that fails is a span with an error status and the exception', (t) => {
    const { recording, contents } = tracesRig(t);
    const made = operations(t, { tracer: recording.provider.getTracer('tests') });
    made.operations.start('write').fail(new TypeError('no such bucket'));
    const [{ status, events, attributes }] = contents().spans;
    assert.deepEqual(status, { code: SpanStatusCode.ERROR, message: 'error.TypeError' });
    assert.equal(Object.fromEntries(attributes)['multistorageclient.status'], 'error.TypeError');
    const [{ name, attributes: exception }] = events;
    assert.deepEqual(
      [name, Object.fromEntries(exception)['exception.message']],
      ['exception', 'no such bucket'],
    );
  });

  test('whose spans are not sampled refers to none', (t) => {
    const { recording } = tracesRig(t);
    const made = operations(t, { tracer: recording.provider.getTracer('tests') });
    within({ ...ACTIVE, traceFlags: TraceFlags.NONE }, () => made.operations.start('read').succeed());
    assert.deepEqual(made.referred(), [undefined]);
  });

  test('that throws is recorded all the same', (t) => {
    const broken: Tracer = { startSpan: fail, startActiveSpan: fail };
    const ending: Tracer = {
      startSpan: () => ({ ...trace.wrapSpanContext(ACTIVE), end: fail }),
      startActiveSpan: fail,
    };
    for (const tracer of [broken, ending]) {
      const made = operations(t, { tracer });
      made.operations.start('read').succeed();
      made.operations.start('read').fail({
        toString: fail,
      });
      assert.equal(made.referred().length, 2);
    }
  });
});

describe('an operation without a tracer', () => {
  test('refers to the span that was active when it started, and has that context', (t) => {
    tracesRig(t);
    const made = operations(t);
    const operation = within(ACTIVE, () => made.operations.start('read'));
    assert.equal(operation.span, undefined);
    assert.equal(trace.getSpanContext(operation.context)?.spanId, ACTIVE.spanId);
    operation.succeed();
    assert.deepEqual(made.referred(), [idsOf(ACTIVE)]);
  });

  test('nor an active span is written as ever', (t) => {
    const made = operations(t);
    made.operations.start('read').succeed();
    assert.deepEqual(made.referred(), [undefined]);
    assert.ok(made.contents().frames.some(({ type }) => type === FrameType.OPERATIONS));
  });

  test('shares a batch with those that have a span: its ids are zero, whatever was there before', (t) => {
    tracesRig(t);
    const made = operations(t);
    const run = (spans: readonly boolean[]): void => {
      for (const hasSpan of spans) {
        if (hasSpan) within(ACTIVE, () => made.operations.start('read').succeed());
        else made.operations.start('read').succeed();
      }
    };
    run([true, true, true, true]);
    made.recorder.flush();
    run([false, true, false]);
    const [first, none] = [idsOf(ACTIVE), NONE];
    assert.deepEqual(made.referred(), [first, first, first, first, none, first, none]);
    run([false]);
    made.recorder.flush();
    assert.equal(made.contents().frames.at(-1)?.type, FrameType.OPERATIONS);
  });
});
