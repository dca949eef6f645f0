/**
 * Summary: from points to what storage did for a program.
 *
 * In: lines of OTLP JSON. Out: operations by kind and status, processes and threads, the slowest operations.
 * Invariant: counts and bytes come from the exact sums, of which the last point of each series counts; percentiles come
 * from the raw latencies, every one of them, and are estimated only where these were resampled into histograms.
 * On failure: points that are no operations of ours are passed over.
 */
import path from 'node:path';
import { CounterName, GaugeName } from '@multistorageclient/telemetry';
import { countedOf } from './exponential-point.ts';
import type { OtlpAttribute, OtlpExponentialPoint, OtlpLine, OtlpMetric, OtlpPoint } from './otlp-lines.ts';
import { Samples } from './samples.ts';
import {
  operationsOf,
  processesOf,
  sum,
  type Series,
  type SeriesSummary,
  type StorageSummary,
} from './storage-summary.ts';

const SLOWEST = 5;
/** OTLP's number for it. */
const DELTA = 1;

interface Slow {
  readonly series: Series;
  readonly latencySeconds: number;
  readonly startSeconds: number;
}

export class Summary {
  readonly #series = new Map<string, Series>();
  /** The last value of every series of sums, by metric, resource and attributes. */
  readonly #sums = new Map<string, { readonly metric: string; readonly point: OtlpPoint }>();
  #slowest: Slow[] = [];
  #firstSeconds = Infinity;
  #lastSeconds = -Infinity;
  readonly #tree: string | undefined;

  /** @param tree directory of the tree that is meant, where others may have written to the same file. */
  constructor(tree?: string) {
    this.#tree = tree;
  }

  add(line: OtlpLine): void {
    for (const { resource, scopeMetrics = [] } of line.resourceMetrics ?? []) {
      const attributes = resource?.attributes ?? [];
      if (this.#tree !== undefined && !isOfTree(attributes, this.#tree)) continue;
      const owner = JSON.stringify(attributes);
      for (const { metrics = [] } of scopeMetrics) for (const metric of metrics) this.#metric(metric, owner);
    }
  }

  /** Every series by itself, for who counts along. */
  series(): SeriesSummary[] {
    return this.#totals().map(({ latencies, ...series }) => ({ ...series, samples: latencies.length }));
  }

  /** @param programSeconds how long the program ran, for rates. */
  result(programSeconds?: number): StorageSummary {
    const totals = this.#totals();
    const wallSeconds = programSeconds ?? Math.max(0, this.#lastSeconds - this.#firstSeconds);
    const operations = operationsOf(totals, wallSeconds);
    return {
      wallSeconds,
      storageSeconds: sum(operations, ({ latencySeconds }) => latencySeconds.sum),
      operations,
      processes: processesOf(totals),
      slowest: this.#slowest.map(({ series, latencySeconds, startSeconds }) => ({
        operation: series.operation,
        status: series.status,
        pid: series.pid,
        threadId: series.threadId,
        latencySeconds,
        startSeconds: startSeconds - this.#firstSeconds,
      })),
      unfinished: this.#requests() - sum(totals, ({ count }) => count),
    };
  }

  #metric({ name, gauge, sum: sums, exponentialHistogram }: OtlpMetric, owner: string): void {
    if (name === GaugeName.LATENCY) {
      for (const point of gauge?.dataPoints ?? []) this.#latency(point);
      const isDelta = exponentialHistogram?.aggregationTemporality === DELTA;
      for (const point of exponentialHistogram?.dataPoints ?? []) this.#latencies(point, isDelta, owner);
    } else if (isCounter(name)) {
      for (const point of sums?.dataPoints ?? []) {
        this.#sums.set(`${name} ${owner} ${JSON.stringify(point.attributes)}`, { metric: name, point });
      }
    }
  }

  #latency(point: OtlpPoint): void {
    const latencySeconds = valueOf(point);
    const endSeconds = Number(point.timeUnixNano) / 1e9;
    const startSeconds = endSeconds - latencySeconds;
    const series = this.#seriesOf(point);
    series.latencies.push(latencySeconds);
    this.#firstSeconds = Math.min(this.#firstSeconds, startSeconds);
    this.#lastSeconds = Math.max(this.#lastSeconds, endSeconds);
    const fastest = this.#slowest.at(-1);
    if (this.#slowest.length === SLOWEST && fastest && fastest.latencySeconds >= latencySeconds) return;
    this.#slowest.push({ series, latencySeconds, startSeconds });
    this.#slowest.sort((a, b) => b.latencySeconds - a.latencySeconds);
    this.#slowest = this.#slowest.slice(0, SLOWEST);
  }

  #latencies(point: OtlpExponentialPoint, isDelta: boolean, owner: string): void {
    const { attributes, startTimeUnixNano, timeUnixNano } = point;
    this.#firstSeconds = Math.min(this.#firstSeconds, Number(startTimeUnixNano ?? timeUnixNano) / 1e9);
    this.#lastSeconds = Math.max(this.#lastSeconds, Number(timeUnixNano) / 1e9);
    // A cumulative one holds all before it; a delta stands beside the others.
    const key = JSON.stringify([owner, attributes, ...(isDelta ? [startTimeUnixNano, timeUnixNano] : [])]);
    this.#seriesOf(point).latencies.count(key, countedOf(point));
  }

  #seriesOf(point: Pick<OtlpPoint, 'attributes'>): Series {
    let provider = '';
    let operation = '';
    let status = '';
    let pid: number | undefined;
    let threadId: number | undefined;
    for (const { key, value } of point.attributes ?? []) {
      if (key === 'multistorageclient.provider') provider = value?.stringValue ?? '';
      else if (key === 'multistorageclient.operation') operation = value?.stringValue ?? '';
      else if (key === 'multistorageclient.status') status = value?.stringValue ?? '';
      else if (key === 'process.pid') pid = integer(value);
      else if (key === 'thread.id') threadId = integer(value);
    }
    const key = `${provider} ${operation} ${status} ${pid} ${threadId}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      const latencies = new Samples();
      series = { provider, operation, status, pid, threadId, latencies, count: 0, bytes: 0 };
      this.#series.set(key, series);
    }
    return series;
  }

  /** Series with their totals, in a stable order. */
  #totals(): Series[] {
    const totals = new Map<Series, Series>();
    const total = (series: Series): Series => {
      const copy = totals.get(series) ?? { ...series, count: 0, bytes: 0 };
      totals.set(series, copy);
      return copy;
    };
    for (const { metric, point } of this.#sums.values()) {
      if (metric === CounterName.REQUEST_SUM) continue;
      const series = total(this.#seriesOf(point));
      if (metric === CounterName.RESPONSE_SUM) series.count += valueOf(point);
      else series.bytes += valueOf(point);
    }
    for (const series of this.#series.values()) total(series);
    return [...totals.values()].toSorted(
      (a, b) =>
        compare(a.provider, b.provider) ||
        compare(a.operation, b.operation) ||
        compareStatus(a.status, b.status) ||
        (a.pid ?? 0) - (b.pid ?? 0) ||
        (a.threadId ?? 0) - (b.threadId ?? 0),
    );
  }

  #requests(): number {
    const requests = [...this.#sums.values()].filter(({ metric }) => metric === CounterName.REQUEST_SUM);
    return sum(requests, ({ point }) => valueOf(point));
  }
}

/** A tree's resource is named after its directory. */
function isOfTree(attributes: readonly OtlpAttribute[], tree: string): boolean {
  const instance = attributes.find(({ key }) => key === 'service.instance.id')?.value?.stringValue ?? '';
  return instance !== '' && path.basename(tree).endsWith(instance);
}

function isCounter(name: string | undefined): name is CounterName {
  return Object.values<string | undefined>(CounterName).includes(name);
}

/** OTLP's JSON has 64-bit integers, NaN and the infinities as strings. */
function valueOf({ asDouble, asInt }: OtlpPoint): number {
  return Number(asDouble ?? asInt);
}

function integer(value: OtlpAttribute['value']): number | undefined {
  return value?.intValue === undefined ? undefined : Number(value.intValue);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Success first, then the errors by name. */
function compareStatus(a: string, b: string): number {
  return Number(b === 'success') - Number(a === 'success') || compare(a, b);
}
