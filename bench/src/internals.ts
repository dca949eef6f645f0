/** What the benches use of the product that programs cannot: found beside what is published, with the types it must have. */
import type { Attributes, ValueType } from '@opentelemetry/api';

/** A series of a request: a range of the request's columns, with what an encoder keeps of its attributes. */
interface Range {
  readonly attributes: Attributes;
  readonly seconds: Uint32Array;
  readonly nanos: Uint32Array;
  readonly values: Float64Array;
}

interface Columns {
  readonly seconds: Uint32Array;
  readonly nanos: Uint32Array;
  readonly values: Float64Array;
}

interface Owner {
  readonly attributes: Attributes;
  encoded: Uint8Array | undefined;
}

/** A batch of one gauge, as the product's exporters take it. */
export interface GaugeBatch {
  readonly metrics: readonly [
    {
      readonly kind: 'gauge';
      readonly resource: { readonly attributes: Attributes };
      readonly scope: { readonly name: string };
      readonly descriptor: {
        readonly name: string;
        readonly description: string;
        readonly unit: string;
        readonly valueType: ValueType;
      };
      readonly series: readonly Range[];
    },
  ];
  readonly points: number;
}

export interface Encoder {
  readonly rangeOf: (owner: Owner, columns: Columns, from: number, to: number) => Range;
  /** The bytes lie in a buffer that the next call uses again, as in the exporter. */
  readonly encode: (batch: GaugeBatch) => Uint8Array;
  /** Compresses what was encoded last, by what the encoder knows to repeat itself; `undefined` where that is too little. */
  readonly gzip: (encoded: Uint8Array) => Uint8Array | undefined;
}

interface Writer {
  readonly repeats: readonly object[];
}

/** URL of a file of the product's `dist/src`. */
export function internalUrl(file: string): URL {
  return new URL(`dist/src/${file}`, import.meta.resolve('@multistorageclient/telemetry/package.json'));
}

async function internal<T>(file: string): Promise<T> {
  return (await import(internalUrl(file).href)) as T;
}

export async function loadEncoder(): Promise<Encoder> {
  const { encodeProtobuf } = await internal<{
    encodeProtobuf: (batch: GaugeBatch, writer: Writer) => Uint8Array;
  }>('exporters/otlp-encode.js');
  const { ProtobufWriter } = await internal<{ ProtobufWriter: new () => Writer }>(
    'exporters/protobuf-writer.js',
  );
  const { NumberRange } = await internal<{
    NumberRange: new (owner: Owner, columns: Columns, from: number, to: number, isStarted: boolean) => Range;
  }>('exporters/number-range.js');
  const { gzipRepeats } = await internal<{
    gzipRepeats: (bytes: Uint8Array, repeats: readonly object[]) => Uint8Array | undefined;
  }>('exporters/repeat-gzip.js');
  const writer = new ProtobufWriter();
  return {
    rangeOf: (owner, columns, from, to) => new NumberRange(owner, columns, from, to, false),
    encode: (batch) => encodeProtobuf(batch, writer),
    gzip: (encoded) => gzipRepeats(encoded, writer.repeats),
  };
}
