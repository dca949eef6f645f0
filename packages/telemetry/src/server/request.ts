/**
 * Request: collects points as columns, and gives them out grouped by metric and series, in time order.
 *
 * In: points in the order of the journals. Out: a `PointBatch`, and whose unit each of its points is.
 * Invariant: the same points in the same order give the same batch.
 */
import type {
  Exemplar,
  ExponentialHistogramValue,
  HistogramValue,
  MetricPoints,
  PointBatch,
} from '../exporters/exporter.ts';
import { NumberRange, timesOf, type NumberColumns } from '../exporters/number-range.ts';
import { MAX_POINTS, PointMemory } from './point-memory.ts';
import type { ExportedSeries, Metric } from './series.ts';
import { NOBODY, type Request } from './signal.ts';
import { sortByTime } from './time-order.ts';

const MAX_BYTES = 4 * 1024 * 1024;
/** About what a point takes beside its attributes. */
const POINT_BYTES = 32;
/** A bucket at the most: a count, and the boundary of an explicit one. */
const BUCKET_BYTES = 16;
/** Ids, time and value. */
const EXEMPLAR_BYTES = 50;

export class RequestBuilder {
  /** Series of this request; `ExportedSeries.slot` is their place here. */
  readonly #slots: ExportedSeries[] = [];
  readonly #byMetric = new Map<Metric, number[]>();
  /** Points of each slot. */
  readonly #counts = new Uint32Array(MAX_POINTS);
  readonly #slot = new Uint32Array(MAX_POINTS);
  readonly #memory = new PointMemory();
  /** Of requests that are settled. */
  readonly #free: PointMemory[] = [];
  /** All of them in order, while a request is sealed. */
  readonly #rows = new Uint32Array(MAX_POINTS);
  /** Whether any point has a start time. */
  #isStarted = false;
  #histograms: HistogramValue[] = [];
  #exponentials: ExponentialHistogramValue[] = [];
  readonly #exemplars = new Map<number, Exemplar>();
  readonly #journals = new Map<string, number>();
  /** The journal that was named last: a frame has many rows of one. */
  #lastJournal: string | undefined;
  #lastOwner = NOBODY;
  #points = 0;
  #bytes = 0;

  get isFull(): boolean {
    return this.#points === MAX_POINTS || this.#bytes >= MAX_BYTES;
  }

  get isEmpty(): boolean {
    return this.#points === 0;
  }

  /** Adds a point of a gauge, a unit of `journal` if that is given. The caller seals the request when it is full. */
  add(
    series: ExportedSeries,
    seconds: number,
    nanos: number,
    value: number,
    journal?: string,
    exemplar?: Exemplar,
  ): void {
    const row = this.#row(series, seconds, nanos);
    this.#memory.values[row] = value;
    if (journal !== undefined) {
      this.#memory.owners[row] = journal === this.#lastJournal ? this.#lastOwner : this.#owner(journal);
    }
    if (exemplar === undefined) return;
    this.#exemplars.set(row, exemplar);
    this.#bytes += EXEMPLAR_BYTES;
  }

  addSum(
    series: ExportedSeries,
    seconds: number,
    nanos: number,
    value: number,
    start: readonly [number, number],
  ): void {
    this.#memory.values[this.#startedRow(series, seconds, nanos, start)] = value;
  }

  addHistogram(
    series: ExportedSeries,
    seconds: number,
    nanos: number,
    value: HistogramValue,
    start: readonly [number, number],
  ): void {
    this.#histograms[this.#startedRow(series, seconds, nanos, start)] = value;
    this.#bytes += BUCKET_BYTES * value.counts.length;
  }

  addExponential(
    series: ExportedSeries,
    seconds: number,
    nanos: number,
    value: ExponentialHistogramValue,
    start: readonly [number, number],
  ): void {
    this.#exponentials[this.#startedRow(series, seconds, nanos, start)] = value;
    this.#bytes += BUCKET_BYTES * (value.positive.counts.length + value.negative.counts.length);
  }

  /** Gives out what was collected, and starts anew. */
  seal(): Request<PointBatch> {
    const groups = [...this.#byMetric].toSorted(([a], [b]) => compareText(a.key, b.key));
    const rows = this.#ordered(groups.flatMap(([, slots]) => slots));
    const memory = this.#free.pop() ?? new PointMemory();
    memory.gather(this.#memory, rows, this.#isStarted);
    const columns = this.#columns(memory, rows);
    const metrics: MetricPoints[] = [];
    let from = 0;
    for (const [metric, slots] of groups) {
      const { resource, scope, descriptor, temporality } = metric;
      const common = { resource, scope, descriptor };
      const each = <Series>(
        seriesAt: (series: ExportedSeries, from: number, to: number) => Series,
      ): Series[] => slots.map((slot) => seriesAt(this.#slots[slot], from, (from += this.#counts[slot])));
      if (metric.kind === 'histogram') {
        const series = each(({ attributes }, start, end) => ({
          attributes,
          ...timesOf(columns, start, end),
          values: Array.from(rows.subarray(start, end), (row) => this.#histograms[row]),
        }));
        metrics.push({ ...common, kind: metric.kind, temporality, series });
      } else if (metric.kind === 'exponential_histogram') {
        const series = each(({ attributes }, start, end) => ({
          attributes,
          ...timesOf(columns, start, end),
          values: Array.from(rows.subarray(start, end), (row) => this.#exponentials[row]),
        }));
        metrics.push({ ...common, kind: metric.kind, temporality, series });
      } else {
        const isSum = metric.kind === 'sum';
        const series = each((owner, start, end) => new NumberRange(owner, columns, start, end, isSum));
        if (metric.kind === 'gauge') metrics.push({ ...common, kind: metric.kind, series });
        else metrics.push({ ...common, kind: metric.kind, monotonic: metric.monotonic, temporality, series });
      }
    }
    const batch = { metrics, points: this.#points };
    const request = {
      batch,
      owners: memory.owners.subarray(0, this.#points),
      journals: [...this.#journals.keys()],
      release: () => void this.#free.push(memory),
    };
    this.#reset();
    return request;
  }

  #row(series: ExportedSeries, seconds: number, nanos: number): number {
    let { slot } = series;
    if (this.#slots[slot] !== series) slot = this.#enter(series);
    const row = this.#points++;
    this.#bytes += series.attributeBytes + POINT_BYTES;
    this.#counts[slot]++;
    this.#slot[row] = slot;
    this.#memory.seconds[row] = seconds;
    this.#memory.nanos[row] = nanos;
    this.#memory.owners[row] = NOBODY;
    return row;
  }

  #startedRow(
    series: ExportedSeries,
    seconds: number,
    nanos: number,
    [startSeconds, startNanos]: readonly [number, number],
  ): number {
    const row = this.#row(series, seconds, nanos);
    this.#isStarted = true;
    this.#memory.startSeconds[row] = startSeconds;
    this.#memory.startNanos[row] = startNanos;
    return row;
  }

  #enter(series: ExportedSeries): number {
    const slot = this.#slots.push(series) - 1;
    series.slot = slot;
    this.#counts[slot] = 0;
    const slots = this.#byMetric.get(series.metric);
    if (slots === undefined) this.#byMetric.set(series.metric, [slot]);
    else slots.push(slot);
    return slot;
  }

  #owner(journal: string): number {
    let owner = this.#journals.get(journal);
    if (owner === undefined) {
      owner = this.#journals.size;
      this.#journals.set(journal, owner);
    }
    this.#lastJournal = journal;
    this.#lastOwner = owner;
    return owner;
  }

  /** All rows by slots, in this order of them, and by time: a counting sort, and merges where writers interleave. */
  #ordered(slots: readonly number[]): Uint32Array {
    const next = new Uint32Array(this.#slots.length);
    let end = 0;
    for (const slot of slots) {
      next[slot] = end;
      end += this.#counts[slot];
    }
    const rows = this.#rows.subarray(0, this.#points);
    for (let row = 0; row < this.#points; row++) rows[next[this.#slot[row]]++] = row;
    for (const slot of slots) sortByTime(rows, next[slot] - this.#counts[slot], next[slot], this.#memory);
    return rows;
  }

  #columns(memory: PointMemory, rows: Uint32Array): NumberColumns {
    const { length } = rows;
    return {
      seconds: memory.seconds.subarray(0, length),
      nanos: memory.nanos.subarray(0, length),
      values: memory.values.subarray(0, length),
      ...(this.#isStarted && {
        startSeconds: memory.startSeconds.subarray(0, length),
        startNanos: memory.startNanos.subarray(0, length),
      }),
      ...(this.#exemplars.size > 0 && { exemplars: this.#exemplarsOf(rows) }),
    };
  }

  /** By position. */
  #exemplarsOf(rows: Uint32Array): Map<number, Exemplar> {
    const exemplars = new Map<number, Exemplar>();
    for (const [at, row] of rows.entries()) {
      const exemplar = this.#exemplars.get(row);
      if (exemplar !== undefined) exemplars.set(at, exemplar);
    }
    return exemplars;
  }

  #reset(): void {
    this.#slots.length = 0;
    this.#byMetric.clear();
    this.#isStarted = false;
    this.#histograms = [];
    this.#exponentials = [];
    this.#exemplars.clear();
    this.#journals.clear();
    this.#lastJournal = undefined;
    this.#points = 0;
    this.#bytes = 0;
  }
}

/** By code units: the same in every locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
