/** Journals as a test wants them: written by the real writer, with frames whose times and numbers are chosen. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Attributes } from '@opentelemetry/api';
import type { SignalConfig } from '../../src/config/signals.ts';
import { encodeAttributes } from '../../src/journal/attributes.ts';
import {
  BASE_BYTES,
  histogramRowBytes,
  operationsBytes,
  samplesBytes,
  sumsBytes,
} from '../../src/journal/columns.ts';
import type { InstrumentDefinition, InstrumentKind } from '../../src/journal/definitions.ts';
import { encodeFrame, encodeJsonFrame, FrameType } from '../../src/journal/frame.ts';
import { journalPlaces, RESCUE_FILE } from '../../src/journal/places.ts';
import { JournalWriter, type JournalBudget } from '../../src/journal/writer.ts';
import { currentIdentity, type ProcessIdentity } from '../../src/tree/identity.ts';
import { ensureTree, spillDirectoryFor } from '../../src/tree/trees.ts';

const BUDGET: JournalBudget = {
  segmentMaxBytes: 1024 * 1024,
  primaryMaxBytes: 256 * 1024 * 1024,
  spillMaxBytes: 256 * 1024 * 1024,
};

/** A process of this machine that has ended: its pid is beyond what the system gives out. */
export function deadProcess(number = 0): ProcessIdentity {
  return { ...currentIdentity(), pid: 2 ** 30 + number, startTime: '1' };
}

export interface WriterOptions {
  readonly process?: ProcessIdentity;
  readonly threadId?: number;
  readonly startedAtMillis?: number;
  readonly resource?: Attributes;
  readonly budget?: Partial<JournalBudget>;
  readonly id?: string;
}

export type SampleRow = readonly [series: number, value: number, afterNanos?: number];

/** One thread that records for one configuration. `at` is epoch milliseconds. */
export class Writer {
  readonly id: string;
  readonly directory: string;
  readonly #journal: JournalWriter;
  readonly #frames: Uint8Array[] = [];
  #ids = 0;
  sequence = 1;
  /** Calls so far. */
  recorded = 0;

  constructor(tree: string, configuration: SignalConfig, options: WriterOptions = {}) {
    ensureTree(tree);
    this.id = options.id ?? randomBytes(16).toString('hex');
    const places = journalPlaces(tree, spillDirectoryFor(tree), this.id);
    this.directory = places.primary;
    const writer = {
      process: options.process ?? currentIdentity(),
      threadId: options.threadId ?? 0,
      startedAtMillis: options.startedAtMillis ?? 0,
      resource: encodeAttributes(options.resource ?? { 'service.name': 'test' }),
    };
    this.#journal = new JournalWriter(places, { writer, configuration }, { ...BUDGET, ...options.budget });
  }

  instrument(kind: InstrumentKind, name: string, over: Partial<InstrumentDefinition> = {}): number {
    const id = ++this.#ids;
    const instrument = { id, kind, scope: { name: 'tests' }, name, unit: '1', description: '' };
    this.define({ instruments: [{ ...instrument, valueType: 'double', ...over }] });
    return id;
  }

  series(instrument: number, attributes: Attributes = {}): number {
    const id = ++this.#ids;
    this.define({ series: [{ id, instrument, attributes: encodeAttributes(attributes) }] });
    return id;
  }

  /** An instrument with one series. */
  metric(
    kind: InstrumentKind,
    name: string,
    attributes: Attributes = {},
    over?: Partial<InstrumentDefinition>,
  ): number {
    return this.series(this.instrument(kind, name, over), attributes);
  }

  define(definitions: unknown): void {
    const header = { type: FrameType.DEFINITIONS, sequence: 0, rows: 1, units: 0 };
    this.#journal.define(encodeJsonFrame(header, definitions));
  }

  samples(at: number, ...rows: readonly SampleRow[]): void {
    const count = rows.length;
    const payload = base(at, samplesBytes(count));
    new Float64Array(payload.buffer, BASE_BYTES, count).set(rows.map(([, , nanos]) => nanos ?? 0));
    new Float64Array(payload.buffer, BASE_BYTES + 8 * count, count).set(rows.map(([, value]) => value));
    new Uint32Array(payload.buffer, BASE_BYTES + 16 * count, count).set(rows.map(([series]) => series));
    this.frame(FrameType.SAMPLES, payload, count, count);
  }

  sums(at: number, ...rows: readonly (readonly [series: number, value: number, calls?: number])[]): void {
    const count = rows.length;
    const payload = base(at, sumsBytes(count));
    const calls = rows.map((row) => row[2] ?? 1);
    new Float64Array(payload.buffer, BASE_BYTES, count).set(rows.map(([, value]) => value));
    new Uint32Array(payload.buffer, BASE_BYTES + 8 * count, count).set(rows.map(([series]) => series));
    new Uint32Array(payload.buffer, BASE_BYTES + 12 * count, count).set(calls);
    this.frame(
      FrameType.SUMS,
      payload,
      count,
      calls.reduce((a, b) => a + b, 0),
    );
  }

  /** One row: values that fell into buckets with these upper bounds. */
  histogram(at: number, series: number, boundaries: readonly number[], values: readonly number[]): void {
    const payload = base(at, BASE_BYTES + histogramRowBytes(boundaries.length + 1));
    new Uint32Array(payload.buffer, BASE_BYTES, 2).set([series, boundaries.length + 1]);
    const numbers = new Float64Array(payload.buffer, BASE_BYTES + 8);
    const sum = values.reduce((a, b) => a + b, 0);
    numbers.set([values.length, sum, Math.min(...values), Math.max(...values)]);
    for (const value of values) numbers[4 + boundaries.filter((bound) => bound < value).length]++;
    this.frame(FrameType.HISTOGRAMS, payload, 1, values.length);
  }

  /** Ended operations; `bytes` is left out for those that move none. */
  operations(
    at: number,
    ...rows: readonly (readonly [series: number, latencyNanos: number, bytes?: number])[]
  ): void {
    const count = rows.length;
    const payload = base(at, operationsBytes(count));
    const column = (index: number): Float64Array =>
      new Float64Array(payload.buffer, BASE_BYTES + 8 * index * count, count);
    column(1).set(rows.map(([, latency]) => latency));
    column(2).set(rows.map(([, , bytes]) => bytes ?? NaN));
    new Uint32Array(payload.buffer, BASE_BYTES + 24 * count, count).set(rows.map(([series]) => series));
    this.frame(FrameType.OPERATIONS, payload, count, count);
  }

  account(dropped: Readonly<Record<string, number>>): void {
    const header = { type: FrameType.ACCOUNT, sequence: this.sequence++, rows: 0, units: 0 };
    this.append(encodeJsonFrame(header, { dropped }));
  }

  goodbye(): void {
    const header = { type: FrameType.GOODBYE, sequence: this.sequence++, rows: 0, units: 0 };
    this.append(encodeJsonFrame(header, {}));
    this.close();
  }

  frame(type: number, payload: Uint8Array, rows: number, units: number): void {
    this.append(encodeFrame({ type: type as FrameType, sequence: this.sequence++, rows, units }, payload));
    this.recorded += units;
  }

  /** What the main thread saves of a thread that it terminated: `repeated` of its last frames, which are there already. */
  rescue(repeated: number): void {
    writeFileSync(path.join(this.directory, RESCUE_FILE), Buffer.concat(this.#frames.slice(-repeated)));
    this.close();
  }

  append(bytes: Uint8Array): void {
    this.#frames.push(bytes);
    if (!this.#journal.append(bytes, bytes.length)) throw new Error('the journal has no room');
  }

  close(): void {
    this.#journal.close();
  }
}

function base(at: number, bytes: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(bytes);
  const seconds = Math.floor(at / 1000);
  new Uint32Array(payload.buffer, 0, 4).set([seconds, Math.round((at - seconds * 1000) * 1e6), 0, 0]);
  return payload;
}
