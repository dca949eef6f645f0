/** Records the whole table of variety.ts, and a few operations; says between which times, in nanoseconds since the epoch. */
import { init, type MetricsOptions } from '../../../src/index.ts';
import type { RecordingMeter } from '../../../src/record/meter.ts';
import { proceeding, readJob, say } from '../job.ts';
import { BOUNDARIES, OPERATIONS, SCOPE, VARIETY, type Various } from '../variety.ts';

export interface VarietyJob {
  readonly directory: string;
  readonly config: MetricsOptions;
  /** Goes on until the test says `proceed`. */
  readonly stays?: boolean;
}

function record(meter: RecordingMeter, various: Various): void {
  const { kind, name, unit, description, valueType, attributes, values } = various;
  const options = { unit, description, valueType };
  switch (kind) {
    case 'gauge': {
      const gauge = meter.createGauge(name, options);
      return values.forEach((value) => gauge.record(value, attributes));
    }
    case 'counter': {
      const counter = meter.createCounter(name, options);
      return values.forEach((value) => counter.add(value, attributes));
    }
    case 'up_down_counter': {
      const counter = meter.createUpDownCounter(name, options);
      return values.forEach((value) => counter.add(value, attributes));
    }
    case 'histogram': {
      const advice = { explicitBucketBoundaries: [...BOUNDARIES] };
      const histogram = meter.createHistogram(name, { ...options, advice });
      return values.forEach((value) => histogram.record(value, attributes));
    }
  }
}

const { directory, config, stays } = readJob() as VarietyJob;
const telemetry = init({ address: directory });
const { name, version, schemaUrl } = SCOPE;
const meter = telemetry.meterProvider(config)!.getMeter(name, version, { schemaUrl });
const from = Date.now() * 1e6;
for (const various of VARIETY) record(meter, various);
const operations = telemetry.operations(config, { provider: 'file' })!;
for (let index = 0; index < OPERATIONS.succeeded; index++) operations.start('read').succeed(OPERATIONS.bytes);
for (let index = 0; index < OPERATIONS.failed; index++)
  operations.start('list').fail(new RangeError('failed'));
const to = Date.now() * 1e6;
// While it lives: what it has added to an up-down counter goes with it.
await telemetry.forceFlush();
say({ pid: process.pid, from, to });
if (stays === true) void proceeding();
