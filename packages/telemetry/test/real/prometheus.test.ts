import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTreeStatus, type MetricsOptions } from '../../src/index.ts';
import type { VarietyJob } from '../support/programs/variety.ts';
import { checkMetrics, Prometheus } from '../support/prometheus.ts';
import { findRealServer } from '../support/real-servers.ts';
import { Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';
import { BOUNDARIES, OPERATIONS, SERVICE_NAME, TEXT, VARIETY } from '../support/variety.ts';

const READ = 'multistorageclient_operation="read",multistorageclient_status="success"';
const DISTRIBUTED = VARIETY.find(({ kind }) => kind === 'histogram')!.values;
const { succeeded, failed, bytes } = OPERATIONS;

/** What each expression has to be in the end. Names are those of OpenTelemetry's specification for Prometheus. */
const EXPECTED: Readonly<Record<string, number>> = {
  'variety_double_bytes_per_second{text!=""}': -Infinity,
  'variety_double_bytes_per_second{text=""}': 19_999 / 8,
  'variety_int{whole="-9007199254740992"}': -(2 ** 63),
  'multistorageclient_variety_count_total{yes="true"}': 2 ** 40 + 6,
  'variety_level_seconds{no="false"}': 0.5 - 2.25 + 1e-9,
  variety_distribution_milliseconds_count: DISTRIBUTED.length,
  variety_distribution_milliseconds_sum: DISTRIBUTED.reduce((total, value) => total + value, 0),
  'multistorageclient_request_sum_total{multistorageclient_operation="read"}': succeeded,
  'multistorageclient_request_sum_total{multistorageclient_operation="list"}': failed,
  [`multistorageclient_response_sum_total{${READ}}`]: succeeded,
  [`multistorageclient_data_size_sum_bytes_total{${READ}}`]: succeeded * bytes,
  [`multistorageclient_latency_seconds_count{${READ}}`]: succeeded,
  'multistorageclient_latency_seconds_count{multistorageclient_status="error.RangeError"}': failed,
  [`multistorageclient_data_size_bytes_sum{${READ}}`]: succeeded * bytes,
  [`multistorageclient_data_rate_bytes_per_second_count{${READ}}`]: succeeded,
  [`target_info{service_name="${SERVICE_NAME}"}`]: 1,
};

test('a Prometheus scrapes the totals of a tree', async (t) => {
  const binary = findRealServer(t, 'prometheus');
  if (binary === undefined) return;
  const scene = new Scene(t);
  const config: MetricsOptions = { exporter: { type: 'prometheus', options: { port: 0 } } };
  const job: VarietyJob = { directory: scene.directory, config, stays: true };
  const program = scene.start('variety', job, { env: { OTEL_SERVICE_NAME: SERVICE_NAME } });
  const url = await until('an endpoint', () => {
    const [configuration] = Object.values(readTreeStatus(scene.directory).configurations);
    return configuration?.url;
  });
  const prometheus = await Prometheus.start(t, binary, url);
  await program.says('pid');

  for (const [expression, value] of Object.entries(EXPECTED)) {
    await prometheus.query(expression, (answers) => answers.length === 1 && answers[0].value === value);
  }
  const buckets = await prometheus.query(
    'variety_distribution_milliseconds_bucket',
    ({ length }) => length === BOUNDARIES.length + 1,
  );
  for (const { labels, value } of buckets) {
    assert.equal(labels['text'], TEXT);
    const bound = Number(labels['le'].replace('+Inf', 'Infinity'));
    assert.equal(value, DISTRIBUTED.filter((each) => each <= bound).length, `le=${labels['le']}`);
  }
  const complaints = checkMetrics(binary, await (await fetch(url)).text());
  // Descriptions and units are the program's own.
  const advice = /no help text$|use base unit "\w+" instead of/;
  assert.deepEqual(
    complaints.split('\n').filter((line) => line !== '' && !advice.test(line)),
    [],
  );
  program.proceed();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
});
