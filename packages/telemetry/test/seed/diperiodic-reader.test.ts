import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ObservableResult } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { DiperiodicExportingMetricReader } from '../../src/readers/diperiodic.ts';
import { ScriptedExporter } from '../readers/scripted-exporter.ts';

// The reader's timers keep no process alive, and here is nothing else that does.
const alive = setInterval(() => undefined, 1000);
after(() => clearInterval(alive));

test('the diperiodic reader, with any MeterProvider: collects often, and exports all of it at another interval', async () => {
  const exporter = new ScriptedExporter();
  const reader = new DiperiodicExportingMetricReader({
    exporter,
    collectIntervalMillis: 5,
    collectTimeoutMillis: 10_000,
    exportIntervalMillis: 3_600_000,
    exportTimeoutMillis: 30_000,
  });
  const provider = new MeterProvider({ readers: [reader] });
  let collections = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const observe = (result: ObservableResult): void => {
    result.observe(++collections);
    if (collections === 3) resolve();
  };
  provider.getMeter('seed').createObservableGauge('collections').addCallback(observe);
  await promise;
  assert.deepEqual(exporter.calls, [], 'the export interval has not ended');
  await provider.shutdown();
  const counted = Array.from({ length: collections }, (_, index) => index + 1);
  assert.deepEqual(exporter.values().flat(), counted);
  assert.equal(exporter.calls.at(-1), 'shutdown');
});
