/**
 * OTLP's JSON as the protobuf bytes of the same request, so that one decoder reads both.
 *
 * Stricter than a backend has to be, because a mistake should be seen and not understood: unknown fields, 64-bit integers
 * that are no strings, enumerations by name and ids that are no lower-case hexadecimal digits are refused.
 * On failure: MalformedError, with the path of the field.
 */
import type { Field, Scalar, Schema } from './otlp-schema.ts';
import { BYTES, FIXED32, FIXED64, MalformedError, tagOf, VARINT } from './wire.ts';

export function transcode(body: Uint8Array, schema: Schema): Buffer {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new MalformedError(`not JSON: ${String(error)}`);
  }
  return message(value, schema, '');
}

function message(value: unknown, schema: Schema, path: string): Buffer {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(path, value, 'an object');
  const fields = schema();
  const parts = Object.entries(value).flatMap(([name, content]) => {
    const at = path === '' ? name : `${path}.${name}`;
    if (!Object.hasOwn(fields, name)) throw wrong(at, content, 'no such field');
    return encodeField(fields[name], content, at);
  });
  return Buffer.concat(parts);
}

function encodeField(field: Field, value: unknown, path: string): Buffer[] {
  if (field.repeated !== true) return encodeOne(field, value, path);
  if (!Array.isArray(value)) throw wrong(path, value, 'a list');
  const { number, type } = field;
  const values: readonly unknown[] = value;
  if (typeof type === 'function') {
    return values.flatMap((item, index) => encodeOne(field, item, `${path}[${index}]`));
  }
  // Numbers of a list are packed.
  const items = values.map((item, index) => SCALARS[type].encode(item, `${path}[${index}]`));
  return [delimited(number, Buffer.concat(items))];
}

function encodeOne({ number, type }: Field, value: unknown, path: string): Buffer[] {
  if (typeof type === 'function') return [delimited(number, message(value, type, path))];
  const { wireType, encode } = SCALARS[type];
  const bytes = encode(value, path);
  return wireType === BYTES ? [delimited(number, bytes)] : [varint(tagOf(number, wireType)), bytes];
}

function delimited(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(tagOf(number, BYTES)), varint(bytes.length), bytes]);
}

interface Encoding {
  readonly wireType: number;
  readonly encode: (value: unknown, path: string) => Buffer;
}

const INT64: readonly [min: bigint, max: bigint] = [-(2n ** 63n), 2n ** 63n - 1n];
const UINT64: readonly [min: bigint, max: bigint] = [0n, 2n ** 64n - 1n];

const unsigned: Encoding['encode'] = (value, path) => varint(integer32(value, path, 0));

const SCALARS: Readonly<Record<Scalar, Encoding>> = {
  string: { wireType: BYTES, encode: (value, path) => Buffer.from(matching(/^/, value, path, 'a string')) },
  bytes: {
    wireType: BYTES,
    encode: (value, path) => Buffer.from(matching(/^[\w+/-]*=*$/, value, path, 'base64'), 'base64'),
  },
  traceId: { wireType: BYTES, encode: (value, path) => hex(value, path, 32) },
  spanId: { wireType: BYTES, encode: (value, path) => hex(value, path, 16) },
  bool: {
    wireType: VARINT,
    encode: (value, path) => {
      if (typeof value !== 'boolean') throw wrong(path, value, 'true or false');
      return varint(Number(value));
    },
  },
  double: { wireType: FIXED64, encode: double },
  fixed64: { wireType: FIXED64, encode: (value, path) => eightBytes(integer64(value, path, UINT64)) },
  sfixed64: { wireType: FIXED64, encode: (value, path) => eightBytes(integer64(value, path, INT64)) },
  int64: { wireType: VARINT, encode: (value, path) => varint(integer64(value, path, INT64)) },
  uint64: { wireType: VARINT, encode: (value, path) => varint(integer64(value, path, UINT64)) },
  uint32: { wireType: VARINT, encode: unsigned },
  enum: { wireType: VARINT, encode: unsigned },
  sint32: {
    wireType: VARINT,
    encode: (value, path) => {
      const number = integer32(value, path, -(2 ** 31));
      return varint(number < 0 ? -2 * number - 1 : 2 * number);
    },
  },
  fixed32: {
    wireType: FIXED32,
    encode: (value, path) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(integer32(value, path, 0));
      return bytes;
    },
  },
};

function matching(pattern: RegExp, value: unknown, path: string, expected: string): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw wrong(path, value, expected);
  return value;
}

function hex(value: unknown, path: string, digits: number): Buffer {
  const pattern = new RegExp(`^[0-9a-f]{${digits}}$`);
  return Buffer.from(matching(pattern, value, path, `${digits} hexadecimal digits`), 'hex');
}

function double(value: unknown, path: string): Buffer {
  const isNamed = typeof value === 'string' && ['NaN', 'Infinity', '-Infinity'].includes(value);
  if (typeof value !== 'number' && !isNamed)
    throw wrong(path, value, 'a number, "NaN", "Infinity" or "-Infinity"');
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(Number(value));
  return bytes;
}

function integer64(value: unknown, path: string, [min, max]: readonly [bigint, bigint]): bigint {
  const number = typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
  if (number === undefined || number < min || number > max)
    throw wrong(path, value, 'a 64-bit integer, as a string');
  return number;
}

function integer32(value: unknown, path: string, min: number): number {
  const isInRange = typeof value === 'number' && Number.isInteger(value) && value >= min && value < 2 ** 32;
  if (!isInRange) throw wrong(path, value, 'a 32-bit integer');
  return value;
}

function eightBytes(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function wrong(path: string, value: unknown, expected: string): MalformedError {
  return new MalformedError(`${path}: got ${JSON.stringify(value)}, expected ${expected}`);
}
