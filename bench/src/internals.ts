/** What the benches use of the product that programs cannot: found beside what is published, with the types it must have. */
import type { Attributes, ValueType } from '@opentelemetry/api';

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
      readonly series: readonly {
        readonly attributes: Attributes;
        readonly seconds: Uint32Array;
        readonly nanos: Uint32Array;
        readonly values: Float64Array;
      }[];
    },
  ];
  readonly points: number;
}

/** URL of a file of the product's `dist/src`. */
export function internalUrl(file: string): URL {
  return new URL(`dist/src/${file}`, import.meta.resolve('@multistorageclient/telemetry/package.json'));
}

export async function loadEncoder(): Promise<(batch: GaugeBatch) => Uint8Array> {
  const module: unknown = await import(internalUrl('exporters/otlp-encode.js').href);
  return (module as { encodeProtobuf: (batch: GaugeBatch) => Uint8Array }).encodeProtobuf;
}
