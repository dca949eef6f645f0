/** Just enough of protobuf's wire format to look at a request: fields by number, nested messages on demand. */
export class Message {
  readonly #fields = new Map<number, (bigint | Buffer)[]>();

  constructor(bytes: Uint8Array) {
    const buffer = Buffer.from(bytes);
    let at = 0;
    function varint(): bigint {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = buffer[at++];
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    }
    while (at < buffer.length) {
      const tag = Number(varint());
      const wireType = tag & 7;
      let value: bigint | Buffer;
      if (wireType === 0) value = varint();
      else {
        const length = wireType === 1 ? 8 : wireType === 5 ? 4 : Number(varint());
        value = buffer.subarray(at, (at += length));
      }
      const number = tag >> 3;
      this.#fields.set(number, [...(this.#fields.get(number) ?? []), value]);
    }
  }

  all(number: number): Message[] {
    return this.#bytes(number).map((bytes) => new Message(bytes));
  }

  /** The only message at the end of a path of field numbers. */
  only(...path: readonly number[]): Message {
    let found: Message[] = [this];
    for (const number of path) found = found.flatMap((message) => message.all(number));
    if (found.length !== 1) throw new Error(`${found.length} messages at ${path.join('.')}`);
    return found[0];
  }

  text(number: number): string {
    return this.#bytes(number).join();
  }

  double(number: number): number {
    return this.#bytes(number)[0].readDoubleLE();
  }

  fixed64(number: number): bigint {
    return this.#bytes(number)[0].readBigUInt64LE();
  }

  fixed32(number: number): number {
    return this.#bytes(number)[0].readUInt32LE();
  }

  hex(number: number): string {
    return this.#bytes(number)[0].toString('hex');
  }

  varint(number: number): bigint {
    return this.#fields.get(number)?.find((value) => typeof value === 'bigint') ?? 0n;
  }

  has(number: number): boolean {
    return this.#fields.has(number);
  }

  #bytes(number: number): Buffer[] {
    return (this.#fields.get(number) ?? []).filter((value) => typeof value !== 'bigint');
  }
}

/** One length-delimited field shorter than 128 bytes. */
export function field(number: number, bytes: Uint8Array | string): Buffer {
  const content = Buffer.from(bytes);
  return Buffer.concat([Buffer.of((number << 3) | 2, content.length), content]);
}

/** A message with `edit` made to all messages at the end of a path of field numbers; everything else stays as it is. */
export function edited(
  message: Buffer,
  [next, ...path]: readonly number[],
  edit: (message: Buffer) => Buffer,
): Buffer {
  if (next === undefined) return edit(message);
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length;) {
    const [tag, content] = readVarint(message, at);
    const wireType = tag & 7;
    const [length, from] = wireType === 2 ? readVarint(message, content) : [0, content];
    const widths: Readonly<Record<number, number>> = {
      0: readVarint(message, from)[1] - from,
      1: 8,
      2: length,
      5: 4,
    };
    const end = from + widths[wireType];
    if (wireType === 2 && tag >>> 3 === next) {
      const inner = edited(message.subarray(from, end), path, edit);
      parts.push(message.subarray(at, content), lengthBytes(inner.length), inner);
    } else {
      parts.push(message.subarray(at, end));
    }
    at = end;
  }
  return Buffer.concat(parts);
}

function readVarint(bytes: Buffer, start: number): [value: number, end: number] {
  let value = 0;
  let at = start;
  for (let factor = 1; ; factor *= 0x80) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * factor;
    if (!(byte >= 0x80)) return [value, at];
  }
}

function lengthBytes(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.of(...bytes, rest);
}
