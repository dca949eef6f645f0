/**
 * A backend in this process: an exporter that is configured as `module#Class`, keeps what it gets, and answers as a test
 * wants it to.
 */
import { hrTimeToNanoseconds, type ExportResult } from '@opentelemetry/core';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import {
  AggregationTemporality,
  type Histogram,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

/** `lose`: it arrives, and the answer never comes. */
export type Answer = 'accept' | 'refuse' | 'lose' | 'reject' | 'too-large';

export interface Point {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly metric: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly start: readonly [number, number];
  readonly time: readonly [number, number];
  readonly value: number | Histogram;
}

export interface Request {
  readonly answer: Answer;
  readonly bytes: string;
  readonly points: readonly Point[];
}

export class Backend {
  readonly name: string;
  readonly requests: Request[] = [];
  temporality: AggregationTemporality = AggregationTemporality.CUMULATIVE;
  /** Called once per request, before it is kept. */
  answer: (request: number) => Answer = () => 'accept';

  constructor(name: string) {
    this.name = name;
    backends.set(name, this);
  }

  /** Points of the requests that arrived and were not refused. */
  get points(): Point[] {
    const arrived = this.requests.filter(({ answer }) => answer === 'accept' || answer === 'lose');
    return arrived.flatMap(({ points }) => points);
  }

  /** Values of one metric, in the order in which they arrived. */
  values(metric: string): (number | Histogram)[] {
    return this.points.filter((point) => point.metric === metric).map(({ value }) => value);
  }

  /** Times of one metric's points in milliseconds, in the order in which they arrived. */
  millis(metric: string): number[] {
    return this.points.filter((point) => point.metric === metric).map(({ time }) => millisOf(time));
  }
}

const backends = new Map<string, Backend>();

export function millisOf(time: readonly [number, number]): number {
  return hrTimeToNanoseconds([...time]) / 1e6;
}

export class ScriptedExporter implements PushMetricExporter {
  readonly #backend: Backend;

  constructor({ backend }: { readonly backend: string }) {
    const found = backends.get(backend);
    if (found === undefined) throw new Error(`no backend ${backend}`);
    this.#backend = found;
  }

  export(metrics: ResourceMetrics, done: (result: ExportResult) => void): void {
    const { requests } = this.#backend;
    const answer = this.#backend.answer(requests.length);
    const bytes = ProtobufMetricsSerializer.serializeRequest(metrics) ?? new Uint8Array();
    requests.push({ answer, bytes: Buffer.from(bytes).toString('base64'), points: pointsOf(metrics) });
    if (answer === 'lose') return;
    if (answer === 'accept') return done({ code: 0 });
    const code = { refuse: 503, reject: 400, 'too-large': 413 }[answer];
    done({ code: 1, error: Object.assign(new Error(`status ${code}`), { code }) });
  }

  selectAggregationTemporality(): AggregationTemporality {
    return this.#backend.temporality;
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function pointsOf({ resource, scopeMetrics }: ResourceMetrics): Point[] {
  return scopeMetrics.flatMap(({ metrics }) =>
    metrics.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, startTime, endTime, value }) => ({
        resource: resource.attributes,
        metric: descriptor.name,
        attributes,
        start: startTime,
        time: endTime,
        value: value as number | Histogram,
      })),
    ),
  );
}
