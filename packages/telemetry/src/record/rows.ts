/** The rows of a batch, one by one, for what is not done for each record. */
import type { Batch } from './batch.ts';

/** One row of a batch, whatever its kind. */
export interface CountedRow {
  readonly series: number;
  /** Calls that it represents; an operation's start is not one. */
  readonly units: number;
}

export interface HistogramRow extends CountedRow {
  /** Count, sum, minimum, maximum, and the buckets. */
  readonly numbers: Float64Array;
}

export function* histogramRows({
  histograms,
  histogramWords,
  histogramNumbers,
}: Batch): Generator<HistogramRow> {
  for (let row = 0, at = 0; row < histograms; row++) {
    const end = at + 5 + histogramWords[2 * at + 1];
    const numbers = histogramNumbers.subarray(at + 1, end);
    yield { series: histogramWords[2 * at], units: numbers[0], numbers };
    at = end;
  }
}

function* rowsOf(batch: Batch): Generator<CountedRow> {
  for (let row = 0; row < batch.samples; row++) yield { series: batch.sampleSeries[row], units: 1 };
  for (let row = 0; row < batch.operations; row++) yield { series: batch.operationSeries[row], units: 1 };
  for (let row = 0; row < batch.sums; row++)
    yield { series: batch.sumSeries[row], units: batch.sumCalls[row] };
  yield* histogramRows(batch);
}

/** Calls that the rows represent: all of them, or those of some series. */
export function unitsOf(batch: Batch, series?: ReadonlySet<number>): number {
  let units = 0;
  for (const row of rowsOf(batch)) if (series === undefined || series.has(row.series)) units += row.units;
  return units;
}
