/**
 * Records turn by turn until it is killed, and notes in a file how far it has come: a file survives the kill.
 *
 * `record`: after each sample, how many were recorded. `turn`: at the start of each turn, how many before it.
 */
import { openSync, writeSync } from 'node:fs';
import { init, type MetricsOptions } from '../../../src/index.ts';
import { GAUGE } from '../burst.ts';
import { readJob } from '../job.ts';

export interface AcknowledgeJob {
  readonly directory: string;
  readonly config: MetricsOptions;
  readonly flush: 'record' | 'turn';
  readonly perTurn: number;
  /** Holds the number as a double. */
  readonly file: string;
}

const { directory, config, flush, perTurn, file } = readJob() as AcknowledgeJob;
const note = openSync(file, 'w');
const number = new Float64Array(1);
const bytes = new Uint8Array(number.buffer);

function acknowledge(recorded: number): void {
  number[0] = recorded;
  writeSync(note, bytes, 0, 8, 0);
}

const gauge = init({ address: directory, flush }).meter(config)!.createGauge(GAUGE);

function turn(first: number): void {
  acknowledge(first);
  for (let value = first; value < first + perTurn; value++) {
    gauge.record(value);
    if (flush === 'record') acknowledge(value + 1);
  }
  setImmediate(turn, first + perTurn);
}
turn(0);
