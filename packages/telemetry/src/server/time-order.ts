/**
 * Time order: sorts rows by their times, where those are ascending runs of several writers.
 *
 * In: rows, and the columns with their times. Out: the same rows in time order, those of one instant in the order they came.
 * A natural merge sort: rows in order cost one look each, and k runs log₂ k moves each (about 5 ns; a comparison sort with
 * a callback takes ten times as long).
 */

/** Epoch times by row. */
export interface RowTimes {
  readonly seconds: Uint32Array;
  readonly nanos: Uint32Array;
}

/** Whether the row at `at` is before the one in front of it. */
function goesBack(rows: Uint32Array, at: number, { seconds, nanos }: RowTimes): boolean {
  const row = rows[at];
  const before = rows[at - 1];
  return seconds[row] < seconds[before] || (seconds[row] === seconds[before] && nanos[row] < nanos[before]);
}

/** Sorts `rows` from `from` up to `to` in place. */
export function sortByTime(rows: Uint32Array, from: number, to: number, times: RowTimes): void {
  for (let at = from + 1; at < to; at++) {
    if (goesBack(rows, at, times)) return mergeRuns(rows.subarray(from, to), times);
  }
}

function mergeRuns(rows: Uint32Array, times: RowTimes): void {
  let runs = [0];
  for (let at = 1; at < rows.length; at++) if (goesBack(rows, at, times)) runs.push(at);
  let source = rows;
  let target: Uint32Array = new Uint32Array(rows.length);
  while (runs.length > 1) {
    const merged: number[] = [];
    for (let at = 0; at < runs.length; at += 2) {
      const [from, middle = rows.length, to = rows.length] = runs.slice(at, at + 3);
      merge(source, target, from, middle, to, times);
      merged.push(from);
    }
    runs = merged;
    [source, target] = [target, source];
  }
  if (source !== rows) rows.set(source);
}

/** Merges two neighbours, of which the second may be empty; of equal times those of the first stay first. */
function merge(
  source: Uint32Array,
  target: Uint32Array,
  from: number,
  middle: number,
  to: number,
  { seconds, nanos }: RowTimes,
): void {
  let left = from;
  let right = middle;
  for (let at = from; at < to; at++) {
    let takesLeft = left < middle;
    if (takesLeft && right < to) {
      const a = source[left];
      const b = source[right];
      takesLeft = seconds[a] < seconds[b] || (seconds[a] === seconds[b] && nanos[a] <= nanos[b]);
    }
    target[at] = takesLeft ? source[left++] : source[right++];
  }
}
