/**
 * Splits a request: in two halves of points, for a backend that wants smaller ones, or by resource. The same request splits
 * the same way.
 */
import type { MetricPoints, PointBatch, SeriesColumns } from '../exporters/exporter.ts';
import { timesOf } from '../exporters/number-range.ts';
import type { Request } from './signal.ts';

/** Two halves. */
export function splitRequest({
  batch,
  owners,
  journals,
}: Request<PointBatch>): [Request<PointBatch>, Request<PointBatch>] {
  const half = Math.floor(batch.points / 2);
  const first: MetricPoints[] = [];
  const second: MetricPoints[] = [];
  let seen = 0;
  for (const metric of batch.metrics) {
    const before: unknown[] = [];
    const behind: unknown[] = [];
    for (const series of metric.series) {
      const count = series.seconds.length;
      const cut = Math.min(count, Math.max(0, half - seen));
      if (cut > 0) before.push(slice(series, 0, cut));
      if (cut < count) behind.push(slice(series, cut, count));
      seen += count;
    }
    if (before.length > 0) first.push({ ...metric, series: before } as MetricPoints);
    if (behind.length > 0) second.push({ ...metric, series: behind } as MetricPoints);
  }
  return [
    { batch: { metrics: first, points: half }, owners: owners.subarray(0, half), journals },
    { batch: { metrics: second, points: batch.points - half }, owners: owners.subarray(half), journals },
  ];
}

/** One request per resource, in their order, for an exporter that takes one at a time. */
export function splitByResource(request: Request<PointBatch>): Request<PointBatch>[] {
  const { batch, owners, journals } = request;
  if (batch.metrics[0]?.resource === batch.metrics.at(-1)?.resource) return [request];
  const requests: Request<PointBatch>[] = [];
  let from = 0;
  for (let at = 0; at < batch.metrics.length;) {
    const { resource } = batch.metrics[at];
    const next = batch.metrics.findIndex((metric, index) => index > at && metric.resource !== resource);
    const metrics = batch.metrics.slice(at, next < 0 ? undefined : next);
    const points = metrics.reduce((sum, metric) => sum + pointsOf(metric), 0);
    requests.push({ batch: { metrics, points }, owners: owners.subarray(from, from + points), journals });
    from += points;
    at += metrics.length;
  }
  return requests;
}

function pointsOf({ series }: MetricPoints): number {
  return series.reduce((sum, { seconds }) => sum + seconds.length, 0);
}

function slice(
  series: MetricPoints['series'][number],
  from: number,
  to: number,
): SeriesColumns & { readonly values: unknown } {
  const { attributes, values } = series;
  return {
    attributes,
    ...timesOf(series, from, to),
    values: values.slice(from, to),
    ...('exemplars' in series && { exemplars: series.exemplars?.slice(from, to) }),
  };
}
