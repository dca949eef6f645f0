/**
 * Point memory: the columns of one request's points.
 *
 * In: rows. Out: the same rows in another order, in another such memory.
 * It is used again for later requests: columns that are made anew for each let the garbage collector look at all series every few
 * hundred requests, which with a hundred thousand of them costs more than the requests.
 */

/** Points of one request at most: well under the Collector's default of 20 MiB for a body. */
export const MAX_POINTS = 16_384;

/** The parts of each point that are numbers, by its row. */
export class PointMemory {
  readonly seconds: Uint32Array = new Uint32Array(MAX_POINTS);
  readonly nanos: Uint32Array = new Uint32Array(MAX_POINTS);
  readonly values: Float64Array = new Float64Array(MAX_POINTS);
  readonly owners: Uint32Array = new Uint32Array(MAX_POINTS);
  /** Of sums and histograms. */
  readonly startSeconds: Uint32Array = new Uint32Array(MAX_POINTS);
  readonly startNanos: Uint32Array = new Uint32Array(MAX_POINTS);

  /** Copies rows of another one here, in the order of `rows`; start times only where there are any. */
  gather(from: PointMemory, rows: Uint32Array, isStarted: boolean): void {
    const { seconds, nanos, values, owners } = this;
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at];
      seconds[at] = from.seconds[row];
      nanos[at] = from.nanos[row];
      values[at] = from.values[row];
      owners[at] = from.owners[row];
    }
    if (!isStarted) return;
    for (let at = 0; at < rows.length; at++) {
      this.startSeconds[at] = from.startSeconds[rows[at]];
      this.startNanos[at] = from.startNanos[rows[at]];
    }
  }
}
