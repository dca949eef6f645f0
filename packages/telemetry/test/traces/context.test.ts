import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { context, ROOT_CONTEXT, trace, TraceFlags, type ContextManager } from '@opentelemetry/api';
import { ensureContextManager, withInherited } from '../../src/traces/context.ts';
import { loadTracingSdk } from '../../src/traces/sdk.ts';
import { diagnostics } from '../record/stage.ts';

const sdk = loadTracingSdk();
const SPAN = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED };

describe('the context manager', () => {
  test('is one that follows asynchronous calls, where the program has none', async (t) => {
    t.after(() => context.disable());
    ensureContextManager(sdk);
    const active = trace.setSpanContext(ROOT_CONTEXT, SPAN);
    await context.with(active, async () => {
      await new Promise((resolve) => void setTimeout(resolve, 1));
      assert.equal(context.active(), active);
    });
    assert.equal(trace.getSpan(context.active()), undefined);
  });

  test('is that of the program, where there is one, without a complaint', (t) => {
    t.after(() => context.disable());
    const errors = diagnostics(t, 'error');
    const own: ContextManager = new sdk.contexts.AsyncLocalStorageContextManager().enable();
    context.setGlobalContextManager(own);
    ensureContextManager(sdk);
    const active = trace.setSpanContext(ROOT_CONTEXT, SPAN);
    own.with(active, () => assert.equal(context.active(), active));
    assert.deepEqual(errors, []);
  });
});

describe('what a process has inherited', () => {
  const other = { ...SPAN, spanId: 'c'.repeat(16) };

  test('is active where nothing else is', () => {
    assert.equal(trace.getSpanContext(withInherited(ROOT_CONTEXT, SPAN))?.spanId, SPAN.spanId);
    assert.equal(withInherited(ROOT_CONTEXT, undefined), ROOT_CONTEXT);
  });

  test('is not, inside of another span', () => {
    const active = trace.setSpanContext(ROOT_CONTEXT, other);
    assert.equal(withInherited(active, SPAN), active);
  });
});
