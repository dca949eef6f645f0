/**
 * A program that records raw samples of a bound gauge, so many a turn, as fast as it can.
 *
 * It holds back only when more of the whole tree's journals waits than is asked for: nothing may be dropped. It says what it has
 * recorded, and what CPU that took, journal included.
 */
import type { BoundGauge, MetricsOptions, Telemetry } from '@multistorageclient/telemetry';
import { attributeSets, ORDER_LENGTH, randomOrder } from '../attribute-sets.ts';
import { ownCpuMicros } from '../cpu.ts';
import { checkNothingDropped, join, settle } from '../journaled.ts';
import { answer } from '../requests.ts';
import { eachTurn } from '../turns.ts';

const MASK = ORDER_LENGTH - 1;
/** Samples between two looks at what waits. */
const STRETCH = 65_536;

export interface WriterJob {
  readonly directory: string;
  readonly metrics: MetricsOptions;
  /** Attribute sets of seven attributes. */
  readonly sets: number;
  /** Of the gauge's name. */
  readonly prefix: string;
}

export interface RecordJob {
  readonly samples: number;
  readonly perTurn: number;
  /** Segments of all writers that may wait. Default 24, of 1 MiB each. */
  readonly maxSegments?: number;
}

interface Open {
  readonly telemetry: Telemetry;
  readonly bound: readonly BoundGauge[];
  readonly order: Uint32Array;
}

let open: Open;
let next = 0;

async function record({ samples, perTurn, maxSegments = 24 }: RecordJob): Promise<void> {
  const { telemetry, bound, order } = open;
  const { directory } = telemetry.stats();
  let left = samples;
  while (left > 0) {
    const stretch = Math.min(left, STRETCH);
    const turns = Math.ceil(stretch / perTurn);
    await eachTurn(turns, (turn) => {
      const count = Math.min(perTurn, stretch - turn * perTurn);
      for (let index = 0; index < count; index++) bound[order[next++ & MASK]].record(index);
    });
    left -= stretch;
    if (telemetry.stats().outstandingBytes > maxSegments << 20) await settle(directory, maxSegments);
  }
}

const methods = {
  /** Defines all series. */
  open: ({ directory, metrics, sets, prefix }: WriterJob): void => {
    const telemetry = join(directory);
    const gauge = telemetry.meter(metrics)!.createGauge(`${prefix}.gauge`);
    const bound = attributeSets(7, sets).map((attributes) => gauge.bind(attributes));
    open = { telemetry, bound, order: randomOrder(sets) };
  },
  /** Returns microseconds of CPU. */
  record: async (job: RecordJob): Promise<number> => {
    const before = ownCpuMicros();
    await record(job);
    // What is in the last turn's batch is written at its end.
    await eachTurn(2, () => undefined);
    checkNothingDropped(open.telemetry);
    return ownCpuMicros() - before;
  },
};
export type Methods = typeof methods;
answer(methods);
