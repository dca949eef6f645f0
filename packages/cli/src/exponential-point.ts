/** A point of an exponential histogram as values that were counted: zeros, and the middle of each bucket that is not empty. */
import type { OtlpExponentialPoint } from './otlp-lines.ts';
import type { Counted } from './samples.ts';

export function countedOf({ sum, max, scale = 0, zeroCount = 0, positive }: OtlpExponentialPoint): Counted {
  const { offset = 0, bucketCounts = [] } = positive ?? {};
  // The geometric middle: as far from the one bound as from the other, relatively.
  const middle = (index: number): number => 2 ** ((index + 0.5) * 2 ** -scale);
  const buckets = bucketCounts.map((count, at) => [middle(offset + at), Number(count)] as const);
  const all = [[0, Number(zeroCount)] as const, ...buckets].filter(([, count]) => count > 0);
  return { buckets: all, sum: Number(sum ?? 0), max: Number(max ?? all.at(-1)?.[0]) };
}
