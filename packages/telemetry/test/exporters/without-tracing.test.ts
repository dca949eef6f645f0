import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { isTracingSuppressed } from '@opentelemetry/core';
import { withoutTracing } from '../../src/exporters/without-tracing.ts';

const isSuppressed = (): boolean => isTracingSuppressed(context.active());

test("what runs without tracing is so for OpenTelemetry's SDK", (t) => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  t.after(() => context.disable());
  assert.deepEqual([isSuppressed(), withoutTracing(isSuppressed), isSuppressed()], [false, true, false]);
});
