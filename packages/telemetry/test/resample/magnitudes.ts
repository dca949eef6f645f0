import fc from 'fast-check';

/** Positive doubles of every kind: powers of two and their neighbours, subnormals, and what programs measure. */
export const magnitude: fc.Arbitrary<number> = fc.oneof(
  fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true }),
  fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
  fc
    .tuple(
      fc.integer({ min: -1074, max: 1023 }),
      fc.constantFrom(1 - Number.EPSILON / 2, 1, 1 + Number.EPSILON),
    )
    .map(([exponent, factor]) => Math.max(Number.MIN_VALUE, 2 ** exponent * factor)),
  fc.integer({ min: 1, max: 1000 }).map((steps) => steps * Number.MIN_VALUE),
);
