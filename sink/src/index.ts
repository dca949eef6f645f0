/**
 * An OTLP/HTTP backend for tests, benches and fault tests.
 *
 * In: requests as an exporter sends them (protobuf or JSON; gzip, zstd or identity). Out: every data point and every span
 * of every accepted request, once, and the account of the requests. Invariant: a request is accepted whole (but for a
 * scripted partial success) or not at all, and one whose bytes were accepted before adds to the duplicates only. Failures
 * are answered as OTLP says, or as the test has scripted them.
 */
export { type Attributes, type AttributeValue } from './attributes.ts';
export {
  type Exemplar,
  type ExponentialHistogram,
  type ExponentialRange,
  type Histogram,
  type Metric,
  type MetricKind,
  type Point,
  Points,
  type Series,
  type Temporality,
} from './points.ts';
export { type SinkHandler, type SinkRequest, type SinkResponse } from './responses.ts';
export { Sink, type SinkOptions, startSink } from './sink.ts';
export { transcode } from './json.ts';
export { METRICS_REQUEST, TRACES_REQUEST } from './otlp-schema.ts';
export { type Span, SpanDecoder, type SpanEvent, type SpanLink } from './spans.ts';
