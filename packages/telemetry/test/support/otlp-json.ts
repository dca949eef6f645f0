/**
 * OTLP JSON as the Collector writes it, one request a line, read back into points.
 *
 * Independent of the product's own encoders on purpose. Numbers keep all that they say: 64-bit times are bigints, and
 * the strings of OTLP's JSON for NaN and the infinities are those numbers.
 */
import assert from 'node:assert/strict';

type Json = Readonly<Record<string, any>>;

export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly kind: 'gauge' | 'sum' | 'histogram';
  readonly temporality: 'delta' | 'cumulative' | undefined;
  readonly monotonic: boolean;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: { readonly name: string; readonly version: string; readonly schemaUrl: string };
}

export interface ReceivedHistogram {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly boundaries: readonly number[];
  readonly counts: readonly number[];
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
}

/** The points of all lines that are about metrics. */
export function readMetrics(text: string): ReceivedPoint[] {
  const points: ReceivedPoint[] = [];
  for (const line of text.split('\n').filter((each) => each !== '')) {
    for (const { resource, scopeMetrics } of (JSON.parse(line) as Json)['resourceMetrics'] ?? []) {
      for (const { scope, schemaUrl = '', metrics } of scopeMetrics) {
        const from = {
          resource: readAttributes(resource['attributes']),
          scope: { name: scope['name'] ?? '', version: scope['version'] ?? '', schemaUrl },
        };
        for (const metric of metrics as Json[]) points.push(...readPoints(metric, from));
      }
    }
  }
  return points;
}

function readPoints(json: Json, from: Pick<ReceivedMetric, 'resource' | 'scope'>): ReceivedPoint[] {
  const kind = (['gauge', 'sum', 'histogram'] as const).find((each) => each in json);
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
    ...(kind === 'histogram'
      ? { histogram: readHistogram(point) }
      : { value: Number(point['asInt'] ?? point['asDouble']), isInt: 'asInt' in point }),
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

function readAttributes(pairs: readonly Json[] = []): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, readValue(value)]));
}

function readValue(value: Json): unknown {
  if ('intValue' in value) return Number(value['intValue']);
  if ('doubleValue' in value) return Number(value['doubleValue']);
  if ('arrayValue' in value) return (value['arrayValue']['values'] ?? []).map(readValue);
  return value['stringValue'] ?? value['boolValue'];
}
