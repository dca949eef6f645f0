import { BYTES, FIXED64, MalformedError, tagOf, VARINT, type WireReader } from './wire.ts';

/** An attribute's value. Integers beyond 2^53 are bigints; `null` is a value without content. */
export type AttributeValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | null
  | AttributeValue[]
  | { [key: string]: AttributeValue };

/** Attributes of a point or a resource: one frozen object for all equal sets, whatever their order on the wire. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

const STRING = tagOf(1, BYTES);
const BOOLEAN = tagOf(2, VARINT);
const INTEGER = tagOf(3, VARINT);
const DOUBLE = tagOf(4, FIXED64);
const ARRAY = tagOf(5, BYTES);
const KEY_VALUES = tagOf(6, BYTES);
const RAW_BYTES = tagOf(7, BYTES);

/** The only field of ArrayValue and of KeyValueList; the first of KeyValue. */
const FIRST = tagOf(1, BYTES);
const SECOND = tagOf(2, BYTES);

const MAX_DEPTH = 100;

function readValue(reader: WireReader, end: number, depth: number): AttributeValue {
  if (depth > MAX_DEPTH) throw new MalformedError(`attribute values nested deeper than ${MAX_DEPTH}`);
  let value: AttributeValue = null;
  while (reader.position < end) {
    const tag = reader.varint(end);
    if (tag === STRING) {
      value = reader.string(reader.length(end));
    } else if (tag === BOOLEAN) {
      value = reader.varint64(end) !== 0n;
    } else if (tag === INTEGER) {
      const integer = BigInt.asIntN(64, reader.varint64(end));
      value = Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
    } else if (tag === DOUBLE) {
      value = reader.double(end);
    } else if (tag === RAW_BYTES) {
      const nested = reader.length(end);
      value = Uint8Array.from(reader.bytes.subarray(reader.position, nested));
      reader.position = nested;
    } else if (tag === ARRAY) {
      value = readArray(reader, reader.length(end), depth + 1);
    } else if (tag === KEY_VALUES) {
      value = readKeyValues(reader, reader.length(end), FIRST, depth + 1);
    } else {
      reader.skip(tag, end);
    }
  }
  return value;
}

function readArray(reader: WireReader, end: number, depth: number): AttributeValue[] {
  const values: AttributeValue[] = [];
  while (reader.position < end) {
    const tag = reader.varint(end);
    if (tag === FIRST) values.push(readValue(reader, reader.length(end), depth));
    else reader.skip(tag, end);
  }
  return values;
}

/** Reads the KeyValue messages that a message holds in the field of `fieldTag`, and passes over its other fields. */
function readKeyValues(
  reader: WireReader,
  end: number,
  fieldTag: number,
  depth: number,
): Record<string, AttributeValue> {
  const entries: [string, AttributeValue][] = [];
  while (reader.position < end) {
    const tag = reader.varint(end);
    if (tag === fieldTag) entries.push(readKeyValue(reader, reader.length(end), depth));
    else reader.skip(tag, end);
  }
  return Object.fromEntries(entries);
}

function readKeyValue(reader: WireReader, end: number, depth: number): [string, AttributeValue] {
  let key = '';
  let value: AttributeValue = null;
  while (reader.position < end) {
    const tag = reader.varint(end);
    if (tag === FIRST) key = reader.string(reader.length(end));
    else if (tag === SECOND) value = readValue(reader, reader.length(end), depth);
    else reader.skip(tag, end);
  }
  return [key, value];
}

/** Makes one object of all equal attribute sets. */
export class AttributeSets {
  /** By the bytes of their KeyValue fields, sorted. */
  readonly #sets: Map<string, Attributes> = new Map();

  /** The attributes in the field of `fieldTag` of the message from the reader's position to `end`. */
  read(reader: WireReader, end: number, fieldTag: number): Attributes {
    const start = reader.position;
    const fields: string[] = [];
    while (reader.position < end) {
      const field = reader.position;
      const tag = reader.varint(end);
      reader.skip(tag, end);
      if (tag === fieldTag) fields.push(reader.key(field, reader.position));
    }
    const key = fields.toSorted().join('');
    let attributes = this.#sets.get(key);
    if (attributes === undefined) {
      reader.position = start;
      attributes = Object.freeze(readKeyValues(reader, end, fieldTag, 0));
      this.#sets.set(key, attributes);
    }
    return attributes;
  }
}
