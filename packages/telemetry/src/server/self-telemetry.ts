/**
 * Self-telemetry: what the server says of its own pipelines, as metrics under `multistorageclient.telemetry.`.
 *
 * In: the state of every pipeline as of its last commit; the duration of each request, and the lag of each cycle. Out: points for the
 * next plan of each metrics pipeline. They are in its plan, so that a cycle that is carried out again gives the same request.
 * Invariant: counters never fall, as they come from checkpoints. They are no units, and in no account.
 * On failure: samples that no plan takes in time make room for later ones.
 */
import { monotonic, wallTime } from '../record/clock.ts';
import type { Instant } from '../resample/windows.ts';
import type { Account } from './account.ts';

/** One observation; `at` where it is a sample with a time of its own. */
export interface SelfPoint {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'observable_counter' | 'gauge';
  readonly attributes: Readonly<Record<string, string>>;
  readonly value: number;
  readonly at?: Instant;
}

/** What goes into a plan. */
export interface SelfObservation {
  /** Epoch milliseconds at which counting began. */
  readonly startMillis: number;
  readonly points: readonly SelfPoint[];
}

/** A pipeline as of its last commit. */
export interface PipelineHealth {
  /** Of all its writers, without what they have journaled since. */
  readonly account: Account;
  /** Requests by what became of them, tries included. */
  readonly requests: Readonly<Record<string, number>>;
  /** Journal bytes that wait. */
  readonly pendingBytes: number;
  readonly writers: number;
}

/** Who is observed: attributes of its points. */
export interface Subject {
  readonly signal: 'metrics' | 'traces';
  readonly exporter: string;
  /** Name of the configuration in the tree's directory and status. */
  readonly configuration: string;
}

interface Latest {
  readonly exportSeconds?: number;
  readonly lagSeconds?: number;
}

const PREFIX = 'multistorageclient.telemetry.';
const MAX_SAMPLES = 1024;

export class SelfTelemetry {
  readonly #startMillis = Date.now();
  readonly #subjects = new Map<Subject, () => PipelineHealth>();
  readonly #latest = new WeakMap<Subject, Latest>();
  readonly #samples = new Map<string, SelfPoint[]>();

  /** Adds a pipeline that is observed. */
  add(subject: Subject, health: () => PipelineHealth): void {
    for (const known of this.#subjects.keys()) {
      if (known.configuration === subject.configuration) this.#subjects.delete(known);
    }
    this.#subjects.set(subject, health);
  }

  /** What there is to say since `reader`, the name of a pipeline, asked last. */
  take(reader: string): SelfObservation {
    const samples = this.#samples.get(reader) ?? [];
    this.#samples.set(reader, []);
    const states = [...this.#subjects].flatMap(([subject, health]) => pointsOf({ ...subject }, health()));
    return { startMillis: this.#startMillis, points: [...states, ...samples] };
  }

  /** A request has been answered, or given up. */
  exported(subject: Subject, exportSeconds: number): void {
    this.#latest.set(subject, { ...this.#latest.get(subject), exportSeconds });
    this.#sample('export.duration', { ...subject }, exportSeconds);
  }

  /** A cycle has read what was recorded so long before. */
  ingested(subject: Subject, lagSeconds: number): void {
    this.#latest.set(subject, { ...this.#latest.get(subject), lagSeconds });
    this.#sample('ingest.lag', { ...subject }, lagSeconds);
  }

  /** The last duration and the last lag of a pipeline. */
  latest(subject: Subject): Latest {
    return this.#latest.get(subject) ?? {};
  }

  #sample(name: string, attributes: Record<string, string>, value: number): void {
    const point = {
      name: PREFIX + name,
      unit: 's',
      kind: 'gauge',
      attributes,
      value,
      at: wallTime(...monotonic()),
    } as const;
    for (const samples of this.#samples.values()) {
      samples.push(point);
      if (samples.length > MAX_SAMPLES) samples.shift();
    }
  }
}

function pointsOf(attributes: Record<string, string>, health: PipelineHealth): SelfPoint[] {
  const { account, requests, pendingBytes, writers } = health;
  const count = (
    name: string,
    value: number,
    more: Record<string, string> = {},
    unit = '{record}',
  ): SelfPoint => ({
    name: PREFIX + name,
    unit,
    kind: 'observable_counter',
    attributes: { ...attributes, ...more },
    value,
  });
  const gauge = (name: string, unit: string, value: number): SelfPoint => ({
    name: PREFIX + name,
    unit,
    kind: 'gauge',
    attributes,
    value,
  });
  return [
    count('recorded', account.recorded),
    count('exported', account.exported),
    count('merged', account.merged),
    count('duplicated', account.duplicated),
    ...Object.entries(account.dropped).map(([reason, value]) => count('dropped', value, { reason })),
    ...Object.entries(requests).map(([outcome, value]) =>
      count('export.requests', value, { outcome }, '{request}'),
    ),
    gauge('journal.size', 'By', pendingBytes),
    gauge('writers', '{writer}', writers),
  ];
}
