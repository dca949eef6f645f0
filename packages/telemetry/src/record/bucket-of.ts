/** First boundary that is not below the value: buckets are `(previous, boundary]`, as OpenTelemetry defines. */
export function bucketOf(boundaries: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = boundaries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (boundaries[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
