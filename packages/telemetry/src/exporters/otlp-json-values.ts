/**
 * Values in OTLP's JSON, for the encoders of every signal. Their rules, which the SDK's serializer does not all keep:
 * 64-bit integers are strings, and numbers that JSON has no notation for are the strings "NaN", "Infinity" and
 * "-Infinity". Everything here returns JSON text.
 */
export function encodeTime(seconds: number, nanos: number): string {
  return seconds === 0 ? `"${nanos}"` : `"${seconds}${String(nanos).padStart(9, '0')}"`;
}

export function encodeAttributes(attributes: object): string {
  const pairs = Object.entries(attributes).map(
    ([key, value]) => `{"key":${JSON.stringify(key)},"value":${encodeValue(value)}}`,
  );
  return array(pairs);
}

function encodeValue(value: unknown): string {
  if (typeof value === 'string') return `{"stringValue":${JSON.stringify(value)}}`;
  if (typeof value === 'boolean') return `{"boolValue":${value}}`;
  if (typeof value === 'number') {
    return isInt64(value) ? `{"intValue":${int64(value)}}` : `{"doubleValue":${double(value)}}`;
  }
  if (value instanceof Uint8Array) return `{"bytesValue":"${Buffer.from(value).toString('base64')}"}`;
  if (Array.isArray(value)) return `{"arrayValue":{"values":${array(value.map(encodeValue))}}}`;
  if (typeof value === 'object' && value !== null)
    return `{"kvlistValue":{"values":${encodeAttributes(value)}}}`;
  return '{}';
}

export function isInt64(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
}

/** BigInt writes out every digit; `String` would give an exponent, or round. */
export function int64(value: number): string {
  return Number.isSafeInteger(value) ? `"${value}"` : `"${BigInt(value)}"`;
}

export function double(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  // `String` forgets the sign of zero.
  return Object.is(value, -0) ? '-0' : String(value);
}

/** `undefined` for what need not be said. */
export function text(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : JSON.stringify(value);
}

export function array(items: readonly string[]): string {
  return `[${items.join(',')}]`;
}

/** Leaves out the fields that are undefined. */
export function object(fields: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  return `{${pairs.map(([key, value]) => `"${key}":${value}`).join(',')}}`;
}
