/**
 * Which bucket of an exponential histogram a magnitude lies in: index i with base^i < value ≤ base^(i+1), base = 2^(2^-scale).
 *
 * Invariant: powers of two are exact at every scale, subnormals included; everywhere else the bucket is right by the bounds
 * that `lowerBound` gives, so that a coarser scale gives the index of the finer one, halved.
 */

/** Nearer to a bound than this, the logarithm's rounding (about 1e-10 at scale 20) may decide wrongly. */
const DOUBTFUL = 1e-6;
const EXPONENT_BIAS = 1023;
/** Makes a normal number of every subnormal. */
const SUBNORMAL_SHIFT = 54;

const float = new Float64Array(1);
/** Low and high half, as the machines that this runs on lay them out. */
const halves = new Uint32Array(float.buffer);

/** Index of a positive, finite value; fits 32 bits for scales from -11 to 20. */
export function bucketIndex(value: number, scale: number): number {
  float[0] = value;
  let exponent = ((halves[1] >>> 20) & 0x7ff) - EXPONENT_BIAS;
  if (exponent === -EXPONENT_BIAS) {
    float[0] = value * 2 ** SUBNORMAL_SHIFT;
    exponent = ((halves[1] >>> 20) & 0x7ff) - EXPONENT_BIAS - SUBNORMAL_SHIFT;
  }
  const isPower = ((halves[1] & 0xf_ffff) | halves[0]) === 0;
  if (scale <= 0) return (isPower ? exponent - 1 : exponent) >> -scale;
  const buckets = 2 ** scale;
  if (isPower) return exponent * buckets - 1;
  halves[1] = (halves[1] & 0xf_ffff) | (EXPONENT_BIAS << 20);
  return exponent * buckets + within(float[0], buckets);
}

/** Of `buckets` buckets from 1 to 2, the one in which `mantissa` lies. */
function within(mantissa: number, buckets: number): number {
  const place = Math.log2(mantissa) * buckets;
  const nearest = Math.round(place);
  if (Math.abs(place - nearest) > DOUBTFUL) return Math.floor(place);
  return mantissa > 2 ** (nearest / buckets) ? Math.min(nearest, buckets - 1) : Math.max(0, nearest - 1);
}

/** Lower bound of a bucket; 0 and Infinity where it is beyond what a double can hold. */
export function lowerBound(index: number, scale: number): number {
  if (scale <= 0) return 2 ** (index * 2 ** -scale);
  const buckets = 2 ** scale;
  const exponent = Math.floor(index / buckets);
  // In two steps: the power alone may be subnormal where the bound is not exact in one.
  return 2 ** ((index - exponent * buckets) / buckets) * 2 ** exponent;
}
