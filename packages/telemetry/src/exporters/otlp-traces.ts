import type { OtlpSignal } from './otlp-signal.ts';
import { encodeSpansProtobuf } from './otlp-spans.ts';
import { encodeSpansJson } from './span-json.ts';
import type { SpanBatch } from './spans.ts';

export const TRACES: OtlpSignal<SpanBatch> = {
  name: 'traces',
  encodeProtobuf: encodeSpansProtobuf,
  encodeJson: encodeSpansJson,
  count: ({ spans }) => spans,
  rejectedField: 'rejectedSpans',
};
