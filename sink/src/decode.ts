/**
 * Decodes OTLP metrics requests (protobuf ExportMetricsServiceRequest) into columns.
 *
 * In: the bytes of one request's body. Out: its data points, appended to `Points` in the order of the message, and their
 * number. Invariant: a request is taken whole or not at all. On failure: `MalformedError`, and no point is left behind.
 * Gauges, sums and histograms of both kinds are known; a summary is refused, because dropping it would falsify a count.
 */
import { type Attributes, AttributeSets } from './attributes.ts';
import { readExponentialPoint, readHistogramPoint, readNumberPoint } from './data-points.ts';
import { getOrMake, KnownMetric } from './known-metric.ts';
import type { Metric, MetricKind, Points, Temporality } from './points.ts';
import { BYTES, MalformedError, tagOf, VARINT, WireReader } from './wire.ts';

/** Field 1 of a request (ResourceMetrics), ResourceMetrics (Resource), ScopeMetrics (scope), scope and metric (name). */
const FIRST = tagOf(1, BYTES);
/** Field 2 of ResourceMetrics (ScopeMetrics), ScopeMetrics (Metric), InstrumentationScope (version). */
const SECOND = tagOf(2, BYTES);
const METRIC_UNIT = tagOf(3, BYTES);
const METRIC_DATA: ReadonlyMap<number, MetricKind> = new Map([
  [tagOf(5, BYTES), 'gauge'],
  [tagOf(7, BYTES), 'sum'],
  [tagOf(9, BYTES), 'histogram'],
  [tagOf(10, BYTES), 'exponential_histogram'],
]);
const READERS = {
  gauge: readNumberPoint,
  sum: readNumberPoint,
  histogram: readHistogramPoint,
  exponential_histogram: readExponentialPoint,
} as const;
const METRIC_SUMMARY = tagOf(11, BYTES);
const DATA_TEMPORALITY = tagOf(2, VARINT);
const SUM_MONOTONIC = tagOf(3, VARINT);
const TEMPORALITIES: readonly Temporality[] = ['unspecified', 'delta', 'cumulative'];

type Scope = Metric['scope'];

export class Decoder {
  readonly #points: Points;
  readonly #attributeSets: AttributeSets = new AttributeSets();
  /** Everything that repeats from request to request is made once, so that equal means identical. */
  readonly #scopes: Map<string, Scope> = new Map();
  readonly #metrics: Map<Attributes, Map<Scope, Map<string, KnownMetric>>> = new Map();

  constructor(points: Points) {
    this.#points = points;
  }

  /** Appends all data points of a request, and returns how many they are. Throws `MalformedError`. */
  decode(body: Uint8Array): number {
    const before = this.#points.length;
    const reader = new WireReader(body);
    const end = body.byteLength;
    try {
      while (reader.position < end) {
        const tag = reader.varint(end);
        if (tag === FIRST) this.#resourceMetrics(reader, reader.length(end));
        else reader.skip(tag, end);
      }
    } catch (error) {
      this.#points.truncate(before);
      throw error;
    }
    return this.#points.length - before;
  }

  #resourceMetrics(reader: WireReader, end: number): void {
    const start = reader.position;
    const resource = this.#attributeSets.read(reader, find(reader, end, FIRST), FIRST);
    reader.position = start;
    while (reader.position < end) {
      const tag = reader.varint(end);
      if (tag === SECOND) this.#scopeMetrics(reader, reader.length(end), resource);
      else reader.skip(tag, end);
    }
  }

  #scopeMetrics(reader: WireReader, end: number, resource: Attributes): void {
    const start = reader.position;
    const scope = this.#scope(reader, find(reader, end, FIRST));
    reader.position = start;
    while (reader.position < end) {
      const tag = reader.varint(end);
      if (tag === SECOND) this.#metric(reader, reader.length(end), resource, scope);
      else reader.skip(tag, end);
    }
  }

  #scope(reader: WireReader, end: number): Scope {
    let name = '';
    let version = '';
    while (reader.position < end) {
      const tag = reader.varint(end);
      if (tag === FIRST) name = reader.string(reader.length(end));
      else if (tag === SECOND) version = reader.string(reader.length(end));
      else reader.skip(tag, end);
    }
    return getOrMake(this.#scopes, JSON.stringify([name, version]), () => Object.freeze({ name, version }));
  }

  #metric(reader: WireReader, end: number, resource: Attributes, scope: Scope): void {
    let name = '';
    let unit = '';
    let kind: MetricKind | undefined;
    let dataStart = 0;
    let dataEnd = 0;
    while (reader.position < end) {
      const tag = reader.varint(end);
      if (tag === FIRST) name = reader.string(reader.length(end));
      else if (tag === METRIC_UNIT) unit = reader.string(reader.length(end));
      else if (METRIC_DATA.has(tag)) {
        kind = METRIC_DATA.get(tag);
        dataEnd = reader.length(end);
        dataStart = reader.position;
        reader.position = dataEnd;
      } else if (tag === METRIC_SUMMARY) {
        throw new MalformedError(
          `metric ${name}: got field ${tag >>> 3}, expected a gauge, sum or histogram`,
        );
      } else reader.skip(tag, end);
    }
    if (kind === undefined) return;

    reader.position = dataStart;
    let temporality = 0;
    let monotonic = false;
    while (reader.position < dataEnd) {
      const tag = reader.varint(dataEnd);
      if (tag === DATA_TEMPORALITY) temporality = reader.varint(dataEnd);
      else if (tag === SUM_MONOTONIC) monotonic = reader.varint(dataEnd) !== 0;
      else reader.skip(tag, dataEnd);
    }
    const known = this.#known({
      name,
      unit,
      kind,
      temporality: TEMPORALITIES[temporality] ?? 'unspecified',
      monotonic,
      resource,
      scope,
    });

    reader.position = dataStart;
    const readPoint = READERS[kind];
    while (reader.position < dataEnd) {
      const tag = reader.varint(dataEnd);
      if (tag !== FIRST) reader.skip(tag, dataEnd);
      else readPoint(reader, reader.length(dataEnd), known, this.#points);
    }
    reader.position = end;
  }

  #known(metric: Metric): KnownMetric {
    const { name, unit, kind, temporality, monotonic, resource, scope } = metric;
    const ofResource = getOrMake(this.#metrics, resource, () => new Map<Scope, Map<string, KnownMetric>>());
    const ofScope = getOrMake(ofResource, scope, () => new Map<string, KnownMetric>());
    const key = JSON.stringify([name, unit, kind, temporality, monotonic]);
    return getOrMake(ofScope, key, () => new KnownMetric(metric, this.#points.series, this.#attributeSets));
  }
}

/** Goes to the first nested message in the field of `wanted` and returns its end; an empty one where there is none. */
function find(reader: WireReader, end: number, wanted: number): number {
  while (reader.position < end) {
    const tag = reader.varint(end);
    if (tag === wanted) return reader.length(end);
    reader.skip(tag, end);
  }
  return end;
}
