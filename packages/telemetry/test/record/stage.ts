/** A recorder with a journal of its own, and what a reader finds in it. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import type { ConfiguredAttributes } from '../../src/attributes/configured.ts';
import {
  readBase,
  viewHistograms,
  viewOperations,
  viewSamples,
  viewSums,
  viewTracedOperations,
  type OperationsView,
} from '../../src/journal/columns.ts';
import { Dictionary, type DefinedSeries } from '../../src/journal/dictionary.ts';
import { decodeJson, FrameType, type Frame } from '../../src/journal/frame.ts';
import type { JournalPlaces } from '../../src/journal/places.ts';
import { FIRST } from '../../src/journal/chunk.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { JournalWriter, type JournalBudget } from '../../src/journal/writer.ts';
import type { Batch } from '../../src/record/batch.ts';
import { RecordingMeterProvider, type RecordingMeter } from '../../src/record/meter.ts';
import { Recorder, type Flush } from '../../src/record/recorder.ts';
import { BUDGET, DEFINITION, places, readAll } from '../journal/stage.ts';

/** One row, with its series resolved. */
export interface Row {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Epoch nanoseconds. */
  readonly nanos: bigint;
}
export interface SampleRow extends Row {
  readonly value: number;
}
export interface SumRow extends Row {
  readonly value: number;
  readonly calls: number;
}
export interface OperationRow extends Row {
  readonly latencyNanos: number;
  readonly bytes: number;
  /** Trace id and span id; absent in frames without spans. */
  readonly span?: string;
}
export interface HistogramRow extends Row {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly counts: readonly number[];
}

export interface Contents {
  readonly frames: readonly Frame[];
  readonly samples: readonly SampleRow[];
  readonly sums: readonly SumRow[];
  readonly operations: readonly OperationRow[];
  readonly histograms: readonly HistogramRow[];
  /** By the writer, as its last account says. */
  readonly dropped: Readonly<Record<string, number>>;
}

export interface Rig {
  readonly places: JournalPlaces;
  readonly recorder: Recorder;
  readonly meter: RecordingMeter;
  readonly provider: RecordingMeterProvider;
  /** What is in the journal now. */
  readonly contents: () => Contents;
}

export interface RigOptions {
  readonly flush?: Flush;
  readonly budget?: Partial<JournalBudget>;
  readonly places?: JournalPlaces;
  readonly batch?: Batch;
  readonly configured?: ConfiguredAttributes;
  readonly cardinalityLimit?: number;
}

export function rig(t: Pick<TestContext, 'after'>, options: RigOptions = {}): Rig {
  const place = options.places ?? places(t);
  const journal = new JournalWriter(place, DEFINITION, { ...BUDGET, ...options.budget });
  const recorder = new Recorder(journal, options.flush ?? 'turn', options.batch, options.cardinalityLimit);
  t.after(() => recorder.close());
  const provider = new RecordingMeterProvider(recorder, () => undefined, options.configured);
  const meter = provider.getMeter('tests');
  return { places: place, recorder, meter, provider, contents: () => contentsOf(place) };
}

/** Everything in a journal, as after the end of its writer. Numbers run on without a gap, repeats apart. */
export function contentsOf(place: JournalPlaces): Contents {
  const reader = new JournalReader(place);
  const { frames: all, corruptBytes } = readAll(reader, FIRST, { ended: true });
  reader.close();
  assert.equal(corruptBytes, 0);
  const frames: Frame[] = [];
  for (const frame of all) {
    const last = frames.at(-1)?.sequence;
    if (frame.type === FrameType.SEGMENT || frame.sequence <= (last ?? 0)) continue;
    if (last !== undefined) assert.equal(frame.sequence, last + 1);
    frames.push(frame);
  }
  const dictionary = new Dictionary(place);
  const rows = <T>(
    type: number,
    view: (frame: Frame, row: (series: number, delta?: number) => Row) => T[],
  ): T[] =>
    frames
      .filter((frame) => frame.type === type)
      .flatMap((frame) => view(frame, (series, delta = 0) => rowOf(frame, dictionary.series(series), delta)));
  const accounts = frames.filter(({ type }) => type === FrameType.ACCOUNT).map((frame) => decodeJson(frame));
  const { dropped } = (accounts.at(-1) ?? { dropped: {} }) as Pick<Contents, 'dropped'>;
  return {
    frames,
    dropped,
    samples: rows(FrameType.SAMPLES, (frame, row) => {
      const { deltas, values, series } = viewSamples(frame)!;
      return [...series].map((id, index) => ({ ...row(id, deltas[index]), value: values[index] }));
    }),
    sums: rows(FrameType.SUMS, (frame, row) => {
      const { values, series, calls } = viewSums(frame)!;
      assert.equal(
        frame.units,
        [...calls].reduce((units, count) => units + count, 0),
      );
      return [...series].map((id, index) => ({ ...row(id), value: values[index], calls: calls[index] }));
    }),
    operations: [
      ...rows(FrameType.OPERATIONS, (frame, row) => operationRows(viewOperations(frame)!, row)),
      ...rows(FrameType.TRACED_OPERATIONS, (frame, row) => operationRows(viewTracedOperations(frame)!, row)),
    ],
    histograms: rows(FrameType.HISTOGRAMS, (frame, row) =>
      viewHistograms(frame)!.map(({ series, counts, count, sum, min, max }) => ({
        ...row(series),
        count,
        sum,
        min,
        max,
        counts: [...counts],
      })),
    ),
  };
}

const hex = (ids: Uint8Array, length: number, index: number): string =>
  Buffer.from(ids.subarray(length * index, length * (index + 1))).toString('hex');

function operationRows(
  { deltas, latencyNanos, bytes, series, traceIds, spanIds }: OperationsView,
  row: (series: number, delta?: number) => Row,
): OperationRow[] {
  return [...series].map((id, index) => ({
    ...row(id, deltas[index]),
    latencyNanos: latencyNanos[index],
    bytes: bytes[index],
    ...(traceIds && spanIds && { span: `${hex(traceIds, 16, index)} ${hex(spanIds, 8, index)}` }),
  }));
}

function rowOf(frame: Frame, defined: DefinedSeries | undefined, delta: number): Row {
  assert.ok(defined !== undefined, 'a series is defined before its first use');
  const { seconds, nanos } = readBase(frame);
  assert.ok(nanos < 1e9);
  return {
    name: defined.instrument.name,
    attributes: { ...defined.attributes },
    nanos: BigInt(seconds) * 1_000_000_000n + BigInt(nanos) + BigInt(delta),
  };
}

/** Totals of sums by name, over all frames. */
export function totals({ sums }: Contents): Record<string, { value: number; calls: number }> {
  const found: Record<string, { value: number; calls: number }> = {};
  for (const { name, value, calls } of sums) {
    const total = (found[name] ??= { value: 0, calls: 0 });
    total.value += value;
    total.calls += calls;
  }
  return found;
}

/** The end of this turn of the event loop, and of what it scheduled. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}

/** What is said through the API's diagnostics, as `warn` or as `error`: the last word of each message. */
export function diagnostics(t: Pick<TestContext, 'after'>, level: 'warn' | 'error'): unknown[] {
  const said: unknown[] = [];
  const silent = { error: ignore, warn: ignore, info: ignore, debug: ignore, verbose: ignore };
  const listening = (...words: unknown[]): void => void said.push(words.at(-1));
  diag.setLogger(
    { ...silent, [level]: listening },
    { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true },
  );
  t.after(() => diag.disable());
  return said;
}

function ignore(): void {
  // Nobody listens.
}
