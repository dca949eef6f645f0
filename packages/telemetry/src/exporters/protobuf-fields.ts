/**
 * The fields of a protobuf message, in their order: numbers for varints, bytes for all that has a length. Fields of fixed
 * width are passed over.
 *
 * @throws RangeError where the bytes are no message.
 */
export function* protobufFields(
  bytes: Uint8Array,
): Generator<readonly [field: number, value: number | Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    // A product and not a shift: beyond 53 bits it is inexact, but of the right size.
    for (let factor = 1, count = 0; count < 10; factor *= 0x80, count++) {
      if (at >= bytes.length) break;
      const byte = bytes[at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`a varint that does not end before byte ${at}`);
  };
  while (at < bytes.length) {
    const tag = varint();
    const wireType = tag & 7;
    const field = Math.floor(tag / 8);
    if (wireType === 0) {
      yield [field, varint()];
    } else {
      const length = wireType === 2 ? varint() : wireType === 1 ? 8 : wireType === 5 ? 4 : NaN;
      if (!(at + length <= bytes.length)) throw new RangeError(`a field that is cut short at byte ${at}`);
      if (wireType === 2) yield [field, bytes.subarray(at, at + length)];
      at += length;
    }
  }
}

/** Bytes as text; what is no UTF-8 becomes replacement characters. */
export function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
