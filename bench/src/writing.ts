/**
 * What a program of the bench records: raw samples of a bound gauge, so many a turn.
 *
 * It holds back only when more of its own waits than is asked for: nothing may be dropped, and it is an error where something is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BoundGauge, MetricsOptions, Telemetry } from '@multistorageclient/telemetry';
import { attributeSets, inTurn, randomOrder } from './attribute-sets.ts';
import { checkNothingDropped, join, settle } from './journaled.ts';
import { eachTurn } from './turns.ts';

/** Samples between two looks at what waits. */
const STRETCH = 65_536;
const SEGMENT_BYTES = 1024 * 1024;

export interface WriterJob {
  readonly directory: string;
  readonly metrics: MetricsOptions;
  /** Attribute sets of seven attributes. */
  readonly sets: number;
  /** How they come: `random` (default), or one after the other. */
  readonly order?: 'random' | 'turn' | undefined;
}

export interface RecordJob {
  readonly samples: number;
  readonly perTurn: number;
  /** Segments of 1 MiB of the whole tree that may wait. Default 24. */
  readonly maxSegments?: number;
}

export class Writing {
  readonly #telemetry: Telemetry;
  readonly #directory: string;
  readonly #bound: readonly BoundGauge[];
  readonly #order: Uint32Array;
  #next = 0;

  /** Joins the tree and defines all series. */
  constructor({ directory, metrics, sets, order }: WriterJob) {
    this.#telemetry = join(directory);
    this.#directory = directory;
    const gauge = this.#telemetry.meter(metrics)!.createGauge('bench.latency');
    this.#bound = attributeSets(7, sets).map((attributes) => gauge.bind(attributes));
    this.#order = order === 'turn' ? inTurn(sets) : randomOrder(sets);
  }

  /** Records as fast as it can, or as fast as what waits allows. Resolves when all is in the journal. */
  async record({ samples, perTurn, maxSegments = 24 }: RecordJob): Promise<void> {
    for (let left = samples; left > 0; left -= STRETCH) {
      const stretch = Math.min(left, STRETCH);
      await eachTurn(Math.ceil(stretch / perTurn), (turn) =>
        this.#record(Math.min(perTurn, stretch - turn * perTurn)),
      );
      const { outstandingBytes } = this.#telemetry.stats();
      if (outstandingBytes > maxSegments * SEGMENT_BYTES) await settle(this.#directory, maxSegments);
    }
    // What is in the last turn's batch is written at its end.
    await eachTurn(2, () => undefined);
    checkNothingDropped(this.#telemetry);
  }

  /** Records for a while. Returns how many. */
  async recordFor(millis: number, perTurn: number): Promise<number> {
    const endMillis = performance.now() + millis;
    let samples = 0;
    while (performance.now() < endMillis) {
      await this.record({ samples: STRETCH, perTurn });
      samples += STRETCH;
    }
    return samples;
  }

  /** Records a few at a time, with rests. Returns how many. */
  async trickle(millis: number, perTurn: number): Promise<number> {
    const endMillis = performance.now() + millis;
    let samples = 0;
    while (performance.now() < endMillis) {
      this.#record(perTurn);
      samples += perTurn;
      await sleep(10);
    }
    return samples;
  }

  #record(count: number): void {
    const bound = this.#bound;
    const order = this.#order;
    const mask = order.length - 1;
    for (let index = 0; index < count; index++) bound[order[this.#next++ & mask]].record(index);
  }
}
