import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import path from 'node:path';
import { test } from 'node:test';
import type { TracesOptions } from '../../src/config/traces.ts';
import { type MetricsOptions, readTreeStatus } from '../../src/index.ts';
import { createCertificate } from '../exporters/certificates.ts';
import { assertAccount } from '../support/arrivals.ts';
import { Collector, type Protocol } from '../support/collector.ts';
import type { VariousSpansJob } from '../support/programs/various-spans.ts';
import type { VarietyJob } from '../support/programs/variety.ts';
import { Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';
import { MANY_SPANS, VARIOUS_SPANS } from '../support/various-spans.ts';
import { OPERATIONS, SERVICE_NAME, VARIETY } from '../support/variety.ts';
import { assertSpans } from './collected-spans.ts';
import { assertBurst, assertDistribution, assertOperations, assertVariety } from './collected.ts';

const SAMPLES = VARIETY.flatMap(({ kind, values }) => (kind === 'gauge' ? values : [])).length;
const RAW = SAMPLES + OPERATIONS.succeeded + OPERATIONS.failed;
const RECORDED = RAW + VARIETY.flatMap(({ values }) => values).length - SAMPLES;

const WAYS: readonly { readonly protocol: Protocol; readonly compression: string }[] = [
  { protocol: 'http/protobuf', compression: 'none' },
  { protocol: 'http/protobuf', compression: 'gzip' },
  { protocol: 'http/protobuf', compression: 'zstd' },
  { protocol: 'http/json', compression: 'gzip' },
  { protocol: 'grpc', compression: 'none' },
  { protocol: 'grpc', compression: 'gzip' },
];

for (const { protocol, compression } of WAYS) {
  test(`a Collector understands every point and span, over ${protocol} with compression ${compression}`, async (t) => {
    const collector = await Collector.start(t);
    if (collector === undefined) return;
    await recordVariety(new Scene(t), collector, { protocol, compression });
    await makeSpans(new Scene(t), collector, { protocol, compression });
  });
}

test('a Collector understands a distribution', async (t) => {
  const scene = new Scene(t);
  const collector = await Collector.start(t);
  if (collector === undefined) return;
  const count = 10_000;
  const protocol = 'http/protobuf';
  const config: MetricsOptions = {
    ...metricsTo({ endpoint: collector.endpoint(protocol, 'metrics'), protocol }),
    resampling: { type: 'exponential_histogram' },
  };
  const burst = {
    init: { address: scene.directory },
    configs: [config],
    count,
    perTurn: 1000,
    pauseMillis: 20,
  };
  const program = scene.start('member', { burst, end: 'exit' });
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  assertDistribution(collector.points(), count);
  assertAccount(status, { recorded: count, exported: 0, merged: count });
});

for (const protocol of ['http/protobuf', 'grpc'] as const) {
  test(`a Collector that asks for a client certificate gets it over ${protocol}`, async (t) => {
    const scene = new Scene(t);
    const files = certificateFiles(scene);
    const collector = await Collector.start(t, {
      certificateFile: files.server.certificate,
      keyFile: files.server.key,
      clientAuthorityFile: files.client.certificate,
    });
    if (collector === undefined) return;
    const endpoint = collector.endpoint('http/protobuf', 'metrics');
    await assert.rejects(postWithoutCertificate(endpoint, files.server.certificate), /certificate/);
    await recordVariety(scene, collector, {
      protocol,
      certificate_file: files.server.certificate,
      client_certificate_file: files.client.certificate,
      client_key_file: files.client.key,
    });
  });
}

test('a Collector that is killed and comes back misses nothing', async (t) => {
  const scene = new Scene(t);
  const collector = await Collector.start(t);
  if (collector === undefined) return;
  const count = 40_000;
  const configs = [metricsTo({ endpoint: collector.endpoint('http/protobuf', 'metrics') })];
  const init = { address: scene.directory };
  const shared = { init, configs, count: count / 2, perTurn: 500, pauseMillis: 20, sums: true };
  const children = [{ how: 'fork', burst: { ...shared, from: count / 2 } }];
  const program = scene.start('member', { burst: shared, end: 'stay', children });

  await until('points', () => collector.points().length > 0);
  await collector.stop('SIGKILL');
  await until('a backend that is away', () =>
    Object.values(readTreeStatus(scene.directory).configurations).some(({ state }) => state === 'away'),
  );
  await collector.restart();
  program.proceed();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  const { duplicated } = status.account;
  assertBurst(collector.points(), count, duplicated);
  assertAccount(status, { recorded: 3 * count, exported: count, merged: 2 * count });
});

interface ExporterOptions extends Readonly<Record<string, unknown>> {
  readonly protocol: Protocol;
}

function metricsTo(options: Readonly<Record<string, unknown>>): MetricsOptions {
  return {
    exporter: { type: 'otlp', options },
    reader: { options: { collectIntervalMillis: 100, exportIntervalMillis: 200 } },
  };
}

async function recordVariety(scene: Scene, collector: Collector, options: ExporterOptions): Promise<void> {
  const endpoint = collector.endpoint(options.protocol, 'metrics');
  const job: VarietyJob = { directory: scene.directory, config: metricsTo({ ...options, endpoint }) };
  const program = scene.start('variety', job, { env: { OTEL_SERVICE_NAME: SERVICE_NAME } });
  const said = await program.says('from');
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  const points = collector.points();
  assertVariety(points, { pid: said['pid'], from: said['from'], to: said['to'] });
  assertOperations(points);
  assertAccount(status, { recorded: RECORDED, exported: RAW, merged: RECORDED - RAW });
}

async function makeSpans(scene: Scene, collector: Collector, options: ExporterOptions): Promise<void> {
  const endpoint = collector.endpoint(options.protocol, 'traces');
  const config: TracesOptions = {
    exporter: { type: 'otlp', options: { ...options, endpoint } },
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

/** Certificates that sign themselves, as files. */
function certificateFiles({
  root,
}: Scene): Record<'server' | 'client', { certificate: string; key: string }> {
  const files = (name: string): { certificate: string; key: string } => {
    const { certificate, key } = createCertificate(name);
    const paths = { certificate: path.join(root, `${name}.pem`), key: path.join(root, `${name}.key`) };
    writeFileSync(paths.certificate, certificate);
    writeFileSync(paths.key, key);
    return paths;
  };
  return { server: files('server'), client: files('client') };
}

async function postWithoutCertificate(url: string, authorityFile: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  request(url, { method: 'POST', ca: readFileSync(authorityFile) }, () => resolve())
    .on('error', reject)
    .end();
  await promise;
}
