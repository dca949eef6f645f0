/**
 * What is sent to a Collector: each of the two tables, by a program of its own, and looked for when its tree has ended.
 *
 * In: a scene, a Collector, and the exporter that leads to it. Out: assertions.
 */
import assert from 'node:assert/strict';
import type { TracesOptions } from '../../src/config/traces.ts';
import type { MetricsOptions } from '../../src/index.ts';
import { assertAccount } from '../support/arrivals.ts';
import type { Collector } from '../support/collector.ts';
import type { VariousSpansJob } from '../support/programs/various-spans.ts';
import type { VarietyJob } from '../support/programs/variety.ts';
import type { Scene } from '../support/scene.ts';
import { MANY_SPANS, VARIOUS_SPANS } from '../support/various-spans.ts';
import { OPERATIONS, SERVICE_NAME, VARIETY } from '../support/variety.ts';
import { assertSpans } from './collected-spans.ts';
import { assertOperations, assertVariety } from './collected.ts';

type Exporter = NonNullable<MetricsOptions['exporter']>;

const SAMPLES = VARIETY.flatMap(({ kind, values }) => (kind === 'gauge' ? values : [])).length;
const RAW = SAMPLES + OPERATIONS.succeeded + OPERATIONS.failed;
const RECORDED = RAW + VARIETY.flatMap(({ values }) => values).length - SAMPLES;

/** Metrics that leave soon. */
export function metricsTo(exporter: Exporter): MetricsOptions {
  return {
    exporter,
    reader: { options: { collectIntervalMillis: 100, exportIntervalMillis: 200 } },
  };
}

/** Records the table of variety.ts through an exporter to a Collector, and fails unless all of it arrives. */
export async function recordVariety(
  scene: Scene,
  collector: Collector,
  exporter: Exporter,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const job: VarietyJob = { directory: scene.directory, config: metricsTo(exporter) };
  const program = scene.start('variety', job, { env: { ...env, OTEL_SERVICE_NAME: SERVICE_NAME } });
  const said = await program.says('from');
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  const points = collector.points();
  assertVariety(points, { pid: said['pid'], from: said['from'], to: said['to'] });
  assertOperations(points);
  assertAccount(status, { recorded: RECORDED, exported: RAW, merged: RECORDED - RAW });
}

/** Makes the spans of various-spans.ts, and fails unless all of them arrive. */
export async function makeSpans(scene: Scene, collector: Collector, exporter: Exporter): Promise<void> {
  const config: TracesOptions = {
    exporter,
    processor: { options: { schedule_delay_millis: 200 } },
  };
  const job: VariousSpansJob = { directory: scene.directory, config };
  const program = scene.start('various-spans', job, { env: { OTEL_SERVICE_NAME: SERVICE_NAME } });
  const said = await program.says('ids');
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  assertSpans(collector.spans(), said['ids'], said['pid']);
  assertAccount(status, { recorded: MANY_SPANS + VARIOUS_SPANS.length });
}
