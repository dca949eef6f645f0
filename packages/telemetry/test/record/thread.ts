/** A worker thread of slots.test.ts: records, and then does what its end asks for. */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { JournalPlaces } from '../../src/journal/places.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import { Composed } from '../../src/record/composed.ts';
import { RecordingMeterProvider } from '../../src/record/meter.ts';
import { Recorder } from '../../src/record/recorder.ts';
import { claimBatch, Slots } from '../../src/record/slots.ts';
import { BUDGET, DEFINITION } from '../journal/stage.ts';

export interface ThreadJob {
  readonly places: JournalPlaces;
  /**
   * spin: records and never ends its turn; write: as if it was terminated right behind its write; again: writes one turn and
   * spins in the next; flushed: ends with nothing left; wait: records when it is told to; parent: starts another thread and spins;
   * claim: takes more batches than there are slots.
   */
  readonly end: 'spin' | 'write' | 'again' | 'flushed' | 'wait' | 'parent' | 'claim';
  readonly count: number;
}

/** What it says when it has recorded, or been told to go on. */
export interface Said {
  readonly recorded: number;
  readonly dropped?: Readonly<Record<string, number>>;
  readonly shared?: number;
}

const { places, end, count } = workerData as ThreadJob;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- this is no window
const say = (said: Said): void => parentPort?.postMessage(said);
const spin = (): never => {
  for (;;);
};

if (end === 'parent') {
  const slots = new Slots();
  const child = new Worker(new URL(import.meta.url), { workerData: { places, end: 'spin', count } });
  child.once('message', (said: Said) => {
    say(said);
    slots.close();
  });
} else if (end === 'claim') {
  const batches = Array.from({ length: count }, () => claimBatch(places.primary));
  say({ recorded: 0, shared: batches.filter(({ isShared }) => isShared).length });
} else {
  const journal = new JournalWriter(places, DEFINITION, BUDGET);
  const batch = claimBatch(places.primary);
  const recorder = new Recorder(journal, 'turn', batch);
  const meter = new RecordingMeterProvider(recorder, () => undefined).getMeter('tests');
  const [gauge, counter, histogram] = [
    meter.createGauge('g'),
    meter.createCounter('c'),
    meter.createHistogram('h'),
  ];
  let value = 0;
  const record = (): void => {
    for (let index = 0; index < count; index++) {
      gauge.record(value++);
      counter.add(1);
      histogram.record(1);
    }
  };
  record();
  if (end === 'write') {
    const composed = new Composed();
    composed.compose(batch, batch.sequence);
    journal.append(composed.bytes, composed.length);
  }
  if (end === 'again' || end === 'flushed') recorder.flush();
  if (end === 'again') record();
  say({ recorded: value });
  if (end === 'wait') {
    parentPort?.once('message', () => {
      record();
      const { recorded, dropped } = recorder.account;
      say({ recorded, dropped });
    });
  } else if (end !== 'flushed') {
    spin();
  }
}
