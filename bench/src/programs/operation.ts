/**
 * Whole operations, so many in each turn of the event loop, and empty turns beside them; and what OpenTelemetry's SDK takes for
 * the same six metrics. An operation is started and ends in the same turn: what the storage takes is not ours.
 */
import type { Operations, OperationName, MetricsOptions } from '@multistorageclient/telemetry';
import { attributeSets } from '../attribute-sets.ts';
import { measureBlocks, type Subject } from '../blocks.ts';
import { checkNothingDropped, join, settle } from '../journaled.ts';
import { otelMeter } from '../otel-sdk.ts';
import { answer } from '../requests.ts';
import { eachTurn } from '../turns.ts';

const NAMES: readonly OperationName[] = ['read', 'write', 'list', 'delete'];
/** With four names: 100 attribute sets of seven attributes. */
const BUCKETS = 25;

export interface OperationJob {
  readonly directory: string;
  readonly metrics: MetricsOptions;
  readonly flush: 'turn' | 'record';
  readonly perTurn: number;
  readonly turns: number;
  readonly blocks: number;
}

function storageOperations(all: readonly Operations[], perTurn: number): (turn: number) => void {
  let next = 0;
  return () => {
    for (let index = 0; index < perTurn; index++) {
      next++;
      all[next % BUCKETS].start(NAMES[next & 3]).succeed(65_536);
    }
  };
}

/** What a program does without us: the clock twice, three gauges, three counters. */
function otelOperations(perTurn: number): (turn: number) => void {
  const { meter } = otelMeter();
  const [latency, size, rate] = ['latency', 'data_size', 'data_rate'].map((name) => meter.createGauge(name));
  const [requests, responses, bytes] = ['request.sum', 'response.sum', 'data_size.sum'].map((name) =>
    meter.createCounter(name),
  );
  const sets = attributeSets(7, BUCKETS * NAMES.length);
  let next = 0;
  return () => {
    for (let index = 0; index < perTurn; index++) {
      const set = sets[next++ % sets.length];
      const started = process.hrtime();
      requests.add(1, set);
      const [seconds, nanos] = process.hrtime(started);
      const elapsed = seconds + nanos / 1e9;
      latency.record(elapsed, set);
      size.record(65_536, set);
      rate.record(65_536 / elapsed, set);
      responses.add(1, set);
      bytes.add(65_536, set);
    }
  };
}

function turnsOf(name: string, turns: number, run: (turn: number) => void, callsPerTurn: number): Subject {
  return { name, calls: turns * callsPerTurn, run: () => eachTurn(turns, run) };
}

const methods = {
  /** Nanoseconds per operation; of `turn`, per turn. */
  operations: async (job: OperationJob): Promise<Record<string, number[]>> => {
    const { directory, flush, perTurn, turns, blocks } = job;
    const telemetry = join(directory, { flush });
    const all = Array.from({ length: BUCKETS }, (_, bucket): Operations => {
      const attributes = {
        'storage.bucket': `bucket-${bucket}`,
        'cloud.region': 'eu-central-1',
        'host.name': 'worker-17',
      };
      return telemetry.operations(job.metrics, { provider: 's3', attributes })!;
    });
    const subjects = [
      turnsOf('ours', turns, storageOperations(all, perTurn), perTurn),
      turnsOf('turn', turns, () => undefined, 1),
      turnsOf('otel', Math.ceil(turns / 8), otelOperations(perTurn), perTurn),
    ];
    const found = await measureBlocks(subjects, { blocks, settle: () => settle(directory) });
    checkNothingDropped(telemetry);
    return found;
  },
};
export type Methods = typeof methods;
answer(methods);
