import type { ProtobufWriter } from './protobuf-writer.ts';
import type { TelemetrySignal } from './resolve.ts';

/** What the OTLP exporter has to know of a signal: how its batches become the bytes of requests. */
export interface OtlpSignal<Batch> {
  readonly name: TelemetrySignal;
  /** One Export…ServiceRequest, in the writer's buffer. @throws RangeError where the batch is too big for a buffer. */
  encodeProtobuf(batch: Batch, writer?: ProtobufWriter): Uint8Array;
  /** The same as OTLP's JSON. @throws RangeError where the batch is too big for a string. */
  encodeJson(batch: Batch): string;
  /** Data points or spans of a batch. */
  count(batch: Batch): number;
  /** What a partial success calls those it did not take. */
  readonly rejectedField: 'rejectedDataPoints' | 'rejectedSpans';
}
