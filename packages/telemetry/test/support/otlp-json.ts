/**
 * OTLP JSON as the Collector writes it, one request a line, read back into points.
 *
 * Independent of the product's own encoders on purpose. Numbers keep all that they say: 64-bit times are bigints, and
 * the strings of OTLP's JSON for NaN and the infinities are those numbers.
 */
import assert from 'node:assert/strict';

type Json = Readonly<Record<string, any>>;

const KINDS = ['gauge', 'sum', 'histogram', 'exponentialHistogram'] as const;

/** What a metric or a span belongs to. */
interface Origin {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: { readonly name: string; readonly version: string; readonly schemaUrl: string };
}

export interface ReceivedMetric extends Origin {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly kind: 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram';
  readonly temporality: 'delta' | 'cumulative' | undefined;
  readonly monotonic: boolean;
}

export interface ReceivedHistogram {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly boundaries: readonly number[];
  readonly counts: readonly number[];
}

export interface ReceivedExponentialHistogram {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly scale: number;
  readonly zeroCount: number;
  /** Counts of the positive buckets that are not empty, by index. */
  readonly positive: ReadonlyMap<number, number>;
}

export interface ReceivedPoint {
  readonly metric: ReceivedMetric;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Nanoseconds since the epoch; 0 where there was none. */
  readonly startTime: bigint;
  readonly time: bigint;
  /** Of gauges and sums. */
  readonly value?: number;
  /** Whether the value came as an integer. */
  readonly isInt?: boolean;
  readonly histogram?: ReceivedHistogram;
  readonly exponential?: ReceivedExponentialHistogram;
}

export interface ReceivedSpan extends Origin {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly time: bigint; readonly attributes: object }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: object;
  }[];
  readonly status: { readonly code: number; readonly message: string };
}

/** The points of all lines that are about metrics. */
export function readMetrics(text: string): ReceivedPoint[] {
  return readLines(text, 'Metrics', 'metrics').flatMap(([metric, from]) => readPoints(metric, from));
}

/** The spans of all lines that are about traces. */
export function readSpans(text: string): ReceivedSpan[] {
  return readLines(text, 'Spans', 'spans').map(([span, from]) => readSpan(span, from));
}

/** The innermost objects of a signal, each with where it comes from. */
function readLines(text: string, signal: 'Metrics' | 'Spans', items: string): [item: Json, from: Origin][] {
  const found: [Json, Origin][] = [];
  for (const line of text.split('\n').filter((each) => each !== '')) {
    for (const ofResource of (JSON.parse(line) as Json)[`resource${signal}`] ?? []) {
      const resource = readAttributes(ofResource['resource']['attributes']);
      for (const { scope, schemaUrl = '', [items]: all } of ofResource[`scope${signal}`] as Json[]) {
        const from = {
          resource,
          scope: { name: scope['name'] ?? '', version: scope['version'] ?? '', schemaUrl },
        };
        for (const item of all as Json[]) found.push([item, from]);
      }
    }
  }
  return found;
}

function readSpan(json: Json, from: Origin): ReceivedSpan {
  const { code = 0, message = '' } = json['status'] ?? {};
  return {
    ...from,
    traceId: json['traceId'],
    spanId: json['spanId'],
    parentSpanId: json['parentSpanId'] ?? '',
    traceState: json['traceState'] ?? '',
    flags: json['flags'] ?? 0,
    name: json['name'],
    kind: json['kind'] ?? 0,
    start: BigInt(json['startTimeUnixNano']),
    end: BigInt(json['endTimeUnixNano']),
    attributes: readAttributes(json['attributes']),
    events: ((json['events'] ?? []) as Json[]).map(({ name, timeUnixNano, attributes }) => ({
      name,
      time: BigInt(timeUnixNano),
      attributes: readAttributes(attributes),
    })),
    links: ((json['links'] ?? []) as Json[]).map(({ traceId, spanId, attributes }) => ({
      traceId,
      spanId,
      attributes: readAttributes(attributes),
    })),
    status: { code, message },
  };
}

function readPoints(json: Json, from: Origin): ReceivedPoint[] {
  const kind = KINDS.find((each) => each in json);
  assert.ok(kind !== undefined, `a metric of no kind: ${JSON.stringify(json).slice(0, 200)}`);
  const { aggregationTemporality, isMonotonic = false, dataPoints } = json[kind];
  const { name, unit = '', description = '' } = json;
  const temporality = ([undefined, 'delta', 'cumulative'] as const)[aggregationTemporality ?? 0];
  const metric = { name, unit, description, kind, temporality, monotonic: isMonotonic, ...from };
  return (dataPoints as Json[]).map((point) => ({
    metric,
    attributes: readAttributes(point['attributes']),
    startTime: BigInt(point['startTimeUnixNano'] ?? 0),
    time: BigInt(point['timeUnixNano'] ?? 0),
    ...(kind === 'histogram' && { histogram: readHistogram(point) }),
    ...(kind === 'exponentialHistogram' && { exponential: readExponential(point) }),
    ...((kind === 'gauge' || kind === 'sum') && {
      value: Number(point['asInt'] ?? point['asDouble']),
      isInt: 'asInt' in point,
    }),
  }));
}

function readHistogram(point: Json): ReceivedHistogram {
  return {
    count: Number(point['count'] ?? 0),
    sum: Number(point['sum'] ?? 0),
    min: Number(point['min'] ?? NaN),
    max: Number(point['max'] ?? NaN),
    boundaries: (point['explicitBounds'] ?? []).map(Number),
    counts: (point['bucketCounts'] ?? []).map(Number),
  };
}

function readExponential(point: Json): ReceivedExponentialHistogram {
  const { offset = 0, bucketCounts = [] } = point['positive'] ?? {};
  const buckets = (bucketCounts as string[]).map((count, index) => [offset + index, Number(count)] as const);
  return {
    count: Number(point['count'] ?? 0),
    sum: Number(point['sum'] ?? 0),
    min: Number(point['min'] ?? NaN),
    max: Number(point['max'] ?? NaN),
    scale: point['scale'] ?? 0,
    zeroCount: Number(point['zeroCount'] ?? 0),
    positive: new Map(buckets.filter(([, count]) => count > 0)),
  };
}

function readAttributes(pairs: readonly Json[] = []): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, readValue(value)]));
}

function readValue(value: Json): unknown {
  if ('intValue' in value) return Number(value['intValue']);
  if ('doubleValue' in value) return Number(value['doubleValue']);
  if ('arrayValue' in value) return (value['arrayValue']['values'] ?? []).map(readValue);
  return value['stringValue'] ?? value['boolValue'];
}
