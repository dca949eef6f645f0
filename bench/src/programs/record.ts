/**
 * Records in every form, and with OpenTelemetry's SDK beside it, in blocks.
 *
 * A block is 65,536 records in one turn, so that batches are written to the journal when their rows are used up, and the rest
 * at its end: what is measured is the record with its share of the write.
 */
import type { Attributes, Counter } from '@opentelemetry/api';
import type { MetricsOptions } from '@multistorageclient/telemetry';
import { attributeSets, fresh, randomOrder, type AttributeCount } from '../attribute-sets.ts';
import { measureBlocks, type Subject } from '../blocks.ts';
import { checkNothingDropped, join, settle } from '../journaled.ts';
import { otelMeter } from '../otel-sdk.ts';
import { answer } from '../requests.ts';

export interface RecordJob {
  readonly directory: string;
  readonly metrics: MetricsOptions;
  readonly attributes: AttributeCount;
  /** Cardinalities. */
  readonly sets: readonly number[];
  readonly blocks: number;
  readonly calls: number;
}

interface Gauge {
  record(value: number, attributes?: Attributes): void;
}

function recordObjects(name: string, gauge: Gauge, sets: Attributes[], calls: number): Subject {
  const order = randomOrder(sets.length);
  const mask = order.length - 1;
  const run = (times: number): void => {
    for (let call = 0; call < times; call++) gauge.record(call, sets[order[call & mask]]);
  };
  return { name, calls, run };
}

function recordFresh(
  name: string,
  gauge: Gauge,
  [attributes, sets]: [AttributeCount, number],
  calls: number,
): Subject {
  const order = randomOrder(sets);
  const mask = order.length - 1;
  const literal = fresh[attributes];
  const run = (times: number): void => {
    for (let call = 0; call < times; call++) gauge.record(call, literal(order[call & mask]));
  };
  return { name, calls, run };
}

function recordBound(name: string, bound: readonly Gauge[], calls: number): Subject {
  const order = randomOrder(bound.length);
  const mask = order.length - 1;
  const run = (times: number): void => {
    for (let call = 0; call < times; call++) bound[order[call & mask]].record(call);
  };
  return { name, calls, run };
}

function add(name: string, counter: Counter, sets: Attributes[], calls: number): Subject {
  const order = randomOrder(sets.length);
  const mask = order.length - 1;
  const run = (times: number): void => {
    for (let call = 0; call < times; call++) counter.add(1, sets[order[call & mask]]);
  };
  return { name, calls, run };
}

const methods = {
  /** Nanoseconds per call, by `<form>/<sets>`. */
  gauges: async (job: RecordJob): Promise<Record<string, number[]>> => {
    const { directory, attributes, calls, blocks } = job;
    const telemetry = join(directory);
    const meter = telemetry.meter(job.metrics)!;
    const otel = otelMeter().meter;
    const subjects = job.sets.flatMap((count) => {
      const gauge = meter.createGauge(`bench.gauge.${count}`);
      const sdk = otel.createGauge(`bench.gauge.${count}`);
      const sets = attributeSets(attributes, count);
      const frozen = attributeSets(attributes, count).map((set) => Object.freeze(set));
      const bound = sets.map((set) => gauge.bind(set));
      return [
        recordBound(`bound/${count}`, bound, calls),
        recordObjects(`same-object/${count}`, gauge, sets, calls),
        recordFresh(`fresh-object/${count}`, gauge, [attributes, count], calls),
        recordObjects(`frozen-object/${count}`, gauge, frozen, calls),
        recordObjects(`otel-same/${count}`, sdk, sets, calls >> 3),
        recordFresh(`otel-fresh/${count}`, sdk, [attributes, count], calls >> 3),
      ];
    });
    const found = await measureBlocks(subjects, { blocks, settle: () => settle(directory) });
    checkNothingDropped(telemetry);
    return found;
  },

  counters: async (job: RecordJob): Promise<Record<string, number[]>> => {
    const { directory, attributes, calls, blocks } = job;
    const telemetry = join(directory);
    const counter = telemetry.meter(job.metrics)!.createCounter('bench.counter');
    const sdk = otelMeter().meter.createCounter('bench.counter');
    const sets = attributeSets(attributes, job.sets[0]);
    const bound = sets.map((set) => counter.bind(set));
    const order = randomOrder(sets.length);
    const mask = order.length - 1;
    const run = (times: number): void => {
      for (let call = 0; call < times; call++) bound[order[call & mask]].add(1);
    };
    const subjects = [
      { name: 'bound', calls: calls * 4, run },
      add('same-object', counter, sets, calls),
      add('otel', sdk, sets, calls >> 3),
    ];
    const found = await measureBlocks(subjects, { blocks, settle: () => settle(directory) });
    checkNothingDropped(telemetry);
    return found;
  },
};
export type Methods = typeof methods;
answer(methods);
