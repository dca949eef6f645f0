import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { OtlpSignal } from './otlp-signal.ts';
import { toReadableSpans } from './readable-spans.ts';
import { encodeSpansJson } from './span-json.ts';
import type { SpanBatch } from './spans.ts';

export const TRACES: OtlpSignal<SpanBatch> = {
  name: 'traces',
  encodeProtobuf: encodeSpansProtobuf,
  encodeJson: encodeSpansJson,
  count: ({ spans }) => spans,
  rejectedField: 'rejectedSpans',
};

/**
 * Encodes a batch as one ExportTraceServiceRequest.
 *
 * @throws RangeError where the batch is too big for a buffer.
 */
export function encodeSpansProtobuf(batch: SpanBatch): Uint8Array {
  return ProtobufTraceSerializer.serializeRequest(toReadableSpans(batch)) ?? Buffer.of();
}
