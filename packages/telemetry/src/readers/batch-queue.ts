import { diag } from '@opentelemetry/api';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';

/** What one collection returned. */
export interface Batch {
  /** Counts the batches of one queue from 1. */
  readonly sequence: number;
  readonly resourceMetrics: ResourceMetrics;
  readonly points: number;
}

/** Data points that several batches may have together in one request: far below a Collector's size limit. */
const MAX_REQUEST_POINTS = 10_000;

function countPoints({ scopeMetrics }: ResourceMetrics): number {
  let points = 0;
  for (const { metrics } of scopeMetrics) for (const metric of metrics) points += metric.dataPoints.length;
  return points;
}

/** Collected batches in the order of their collection, bounded: past `maxBatches` the oldest fall off, counted. */
export class BatchQueue {
  readonly #maxBatches: number;
  readonly #batches: Batch[] = [];
  #sequence = 0;
  #dropped = 0;
  #closed = false;

  constructor(maxBatches: number) {
    this.#maxBatches = maxBatches;
  }

  /** Sequence of the newest batch. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Batches that nobody will take any more. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Appends what a collection returned, unless that is nothing. */
  push(resourceMetrics: ResourceMetrics): void {
    const points = countPoints(resourceMetrics);
    if (points > 0) this.#batches.push({ sequence: ++this.#sequence, resourceMetrics, points });
    this.#trim();
  }

  /** Takes from the head what may leave in one request and has at most this sequence; empty when there is nothing. */
  take(maxSequence: number): Batch[] {
    let count = 0;
    let points = 0;
    for (const batch of this.#batches) {
      points += batch.points;
      if (batch.sequence > maxSequence || (count > 0 && points > MAX_REQUEST_POINTS)) break;
      count++;
    }
    return this.#batches.splice(0, count);
  }

  /** Returns taken batches to the head. */
  putBack(batches: readonly Batch[]): void {
    this.#batches.unshift(...batches);
    this.#trim();
  }

  /** Drops whatever is in the queue or comes back to it. */
  close(): void {
    this.#closed = true;
    this.#trim();
  }

  #trim(): void {
    const excess = this.#batches.length - (this.#closed ? 0 : this.#maxBatches);
    if (excess <= 0) return;
    if (this.#dropped === 0 && !this.#closed) {
      diag.warn(
        `maxQueuedBatches: ${this.#maxBatches} batches await their export, the oldest are being dropped`,
      );
    }
    this.#batches.splice(0, excess);
    this.#dropped += excess;
  }
}
