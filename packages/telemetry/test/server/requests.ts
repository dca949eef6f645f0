/** Requests as the pipeline builds them, and batches as an exporter sees them. */
import type { PointBatch } from '../../src/exporters/exporter.ts';
import { RequestBuilder } from '../../src/server/request.ts';
import { SeriesIndex, type ExportedSeries } from '../../src/server/series.ts';
import type { Request } from '../../src/server/signal.ts';

const index = new SeriesIndex({ attributes: {} }, () => 'cumulative');

export function seriesOf(
  name: string,
  attributes: Record<string, string> = {},
  scope = 'scope',
): ExportedSeries {
  const instrument = {
    id: 1,
    kind: 'gauge',
    scope: { name: scope },
    name,
    unit: '1',
    description: '',
    valueType: 'double',
  } as const;
  return index.series('process', { attributes: {} }, instrument, attributes);
}

/** One point per value; each is a unit of the journal that is named with it. */
export function requestOf(
  ...points: readonly (readonly [value: number, journal: string])[]
): Request<PointBatch> {
  const builder = new RequestBuilder();
  for (const [at, [value, journal]] of points.entries()) {
    builder.add(seriesOf('gauge'), 1_800_000_000, at, value, journal);
  }
  return builder.seal();
}

export function valuesOf({ metrics }: PointBatch): number[] {
  return metrics.flatMap(({ kind, series }) =>
    kind === 'gauge' || kind === 'sum' ? series.flatMap(({ values }) => [...values]) : [],
  );
}
