/**
 * Request: collects points as columns, and gives them out grouped by metric and series, in time order.
 *
 * In: points in the order of the journals. Out: a `PointBatch`, and whose unit each of its points is.
 * Invariant: the same points in the same order give the same batch.
 */
import type {
  Exemplar,
  ExponentialHistogramSeries,
  ExponentialHistogramValue,
  HistogramSeries,
  HistogramValue,
  MetricPoints,
  NumberSeries,
  PointBatch,
} from '../exporters/exporter.ts';
import type { ExportedSeries } from './series.ts';
import { NOBODY, type Request } from './signal.ts';

/** Points of one request at most: well under the Collector's default of 20 MiB for a body. */
export const MAX_POINTS = 16_384;
const MAX_BYTES = 4 * 1024 * 1024;
/** About what a point takes beside its attributes. */
const POINT_BYTES = 32;
/** A bucket at the most: a count, and the boundary of an explicit one. */
const BUCKET_BYTES = 16;
/** Ids, time and value. */
const EXEMPLAR_BYTES = 50;

export class RequestBuilder {
  readonly #slots: ExportedSeries[] = [];
  readonly #slotOf = new Map<ExportedSeries, number>();
  readonly #slot = new Uint32Array(MAX_POINTS);
  readonly #seconds = new Uint32Array(MAX_POINTS);
  readonly #nanos = new Uint32Array(MAX_POINTS);
  readonly #startSeconds = new Uint32Array(MAX_POINTS);
  readonly #startNanos = new Uint32Array(MAX_POINTS);
  readonly #values = new Float64Array(MAX_POINTS);
  readonly #owners = new Uint32Array(MAX_POINTS);
  #histograms: HistogramValue[] = [];
  #exponentials: ExponentialHistogramValue[] = [];
  readonly #exemplars = new Map<number, Exemplar>();
  readonly #journals = new Map<string, number>();
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
    this.#values[row] = value;
    if (journal !== undefined) this.#owners[row] = this.#owner(journal);
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
    this.#values[this.#row(series, seconds, nanos, start)] = value;
  }

  addHistogram(
    series: ExportedSeries,
    seconds: number,
    nanos: number,
    value: HistogramValue,
    start: readonly [number, number],
  ): void {
    this.#histograms[this.#row(series, seconds, nanos, start)] = value;
    this.#bytes += BUCKET_BYTES * value.counts.length;
  }

  addExponential(
    series: ExportedSeries,
    seconds: number,
    nanos: number,
    value: ExponentialHistogramValue,
    start: readonly [number, number],
  ): void {
    this.#exponentials[this.#row(series, seconds, nanos, start)] = value;
    this.#bytes += BUCKET_BYTES * (value.positive.counts.length + value.negative.counts.length);
  }

  /** Gives out what was collected, and starts anew. */
  seal(): Request<PointBatch> {
    const order = this.#order();
    const bySeries = this.#slots.map((series, slot) => ({ series, rows: order[slot] }));
    bySeries.sort((a, b) => compareText(a.series.metric.key, b.series.metric.key));
    const owners = new Uint32Array(this.#points);
    let point = 0;
    for (const { rows } of bySeries) for (const row of rows) owners[point++] = this.#owners[row];
    const metrics: MetricPoints[] = [];
    for (let at = 0; at < bySeries.length;) {
      const { metric } = bySeries[at].series;
      let end = at;
      while (end < bySeries.length && bySeries[end].series.metric === metric) end++;
      const group = bySeries.slice(at, end);
      const { resource, scope, descriptor } = metric;
      const common = { resource, scope, descriptor };
      if (metric.kind === 'histogram') {
        const series = group.map((entry) => this.#histogramSeries(entry.series, entry.rows));
        metrics.push({ ...common, kind: 'histogram', temporality: metric.temporality, series });
      } else if (metric.kind === 'exponential_histogram') {
        const series = group.map((entry) => this.#exponentialSeries(entry.series, entry.rows));
        metrics.push({ ...common, kind: metric.kind, temporality: metric.temporality, series });
      } else {
        const series = group.map((entry) =>
          this.#numberSeries(entry.series, entry.rows, metric.kind === 'sum'),
        );
        if (metric.kind === 'gauge') metrics.push({ ...common, kind: 'gauge', series });
        else {
          const { monotonic, temporality } = metric;
          metrics.push({ ...common, kind: 'sum', monotonic, temporality, series });
        }
      }
      at = end;
    }
    const batch = { metrics, points: this.#points };
    const request = { batch, owners, journals: [...this.#journals.keys()] };
    this.#reset();
    return request;
  }

  #row(series: ExportedSeries, seconds: number, nanos: number, start?: readonly [number, number]): number {
    let slot = this.#slotOf.get(series);
    if (slot === undefined) {
      slot = this.#slots.push(series) - 1;
      this.#slotOf.set(series, slot);
    }
    const row = this.#points++;
    this.#bytes += series.attributeBytes + POINT_BYTES;
    this.#slot[row] = slot;
    this.#seconds[row] = seconds;
    this.#nanos[row] = nanos;
    this.#startSeconds[row] = start?.[0] ?? 0;
    this.#startNanos[row] = start?.[1] ?? 0;
    this.#owners[row] = NOBODY;
    return row;
  }

  #owner(journal: string): number {
    let owner = this.#journals.get(journal);
    if (owner === undefined) {
      owner = this.#journals.size;
      this.#journals.set(journal, owner);
    }
    return owner;
  }

  /** Rows of each slot, in time order: a counting sort, and a comparison sort only where writers interleave. */
  #order(): Uint32Array[] {
    const counts = new Uint32Array(this.#slots.length);
    for (let row = 0; row < this.#points; row++) counts[this.#slot[row]]++;
    const rows = Array.from(counts, (count) => new Uint32Array(count));
    counts.fill(0);
    for (let row = 0; row < this.#points; row++) {
      const slot = this.#slot[row];
      rows[slot][counts[slot]++] = row;
    }
    for (const list of rows) if (!this.#isAscending(list)) list.sort((a, b) => this.#compare(a, b));
    return rows;
  }

  #isAscending(rows: Uint32Array): boolean {
    for (let at = 1; at < rows.length; at++) if (this.#compare(rows[at - 1], rows[at]) > 0) return false;
    return true;
  }

  #compare(a: number, b: number): number {
    return this.#seconds[a] - this.#seconds[b] || this.#nanos[a] - this.#nanos[b] || a - b;
  }

  #columns(series: ExportedSeries, rows: Uint32Array, started: boolean): Omit<NumberSeries, 'values'> {
    const columns = {
      attributes: series.attributes,
      seconds: rows.map((row) => this.#seconds[row]),
      nanos: rows.map((row) => this.#nanos[row]),
    };
    if (!started) return columns;
    const startSeconds = rows.map((row) => this.#startSeconds[row]);
    return { ...columns, startSeconds, startNanos: rows.map((row) => this.#startNanos[row]) };
  }

  #numberSeries(series: ExportedSeries, rows: Uint32Array, started: boolean): NumberSeries {
    const values = new Float64Array(rows.length);
    for (let at = 0; at < rows.length; at++) values[at] = this.#values[rows[at]];
    const numbers = { ...this.#columns(series, rows, started), values };
    if (this.#exemplars.size === 0) return numbers;
    const exemplars = Array.from(rows, (row) => this.#exemplars.get(row));
    return exemplars.some((exemplar) => exemplar !== undefined) ? { ...numbers, exemplars } : numbers;
  }

  #histogramSeries(series: ExportedSeries, rows: Uint32Array): HistogramSeries {
    const values = Array.from(rows, (row) => this.#histograms[row]);
    return { ...this.#columns(series, rows, true), values };
  }

  #exponentialSeries(series: ExportedSeries, rows: Uint32Array): ExponentialHistogramSeries {
    const values = Array.from(rows, (row) => this.#exponentials[row]);
    return { ...this.#columns(series, rows, true), values };
  }

  #reset(): void {
    this.#slots.length = 0;
    this.#slotOf.clear();
    this.#histograms = [];
    this.#exponentials = [];
    this.#exemplars.clear();
    this.#journals.clear();
    this.#points = 0;
    this.#bytes = 0;
  }
}

/** By code units: the same in every locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
