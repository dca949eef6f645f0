/**
 * The fields of OTLP's requests as JSON names them, with their protobuf numbers and types: what opentelemetry-proto says.
 * Bytes are base64 (`bytes`) or, for ids, hexadecimal digits (`traceId`, `spanId`).
 */
export type Scalar =
  | 'string'
  | 'bool'
  | 'bytes'
  | 'traceId'
  | 'spanId'
  | 'double'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed64'
  | 'int64'
  | 'uint64'
  | 'uint32'
  | 'sint32'
  | 'enum';

export interface Field {
  readonly number: number;
  readonly type: Scalar | Schema;
  readonly repeated?: boolean;
}

export type Schema = () => Readonly<Record<string, Field>>;

const one = (number: number, type: Scalar | Schema): Field => ({ number, type });
const many = (number: number, type: Scalar | Schema): Field => ({ number, type, repeated: true });

const anyValue: Schema = () => ({
  stringValue: one(1, 'string'),
  boolValue: one(2, 'bool'),
  intValue: one(3, 'int64'),
  doubleValue: one(4, 'double'),
  arrayValue: one(5, () => ({ values: many(1, anyValue) })),
  kvlistValue: one(6, () => ({ values: many(1, keyValue) })),
  bytesValue: one(7, 'bytes'),
});
const keyValue: Schema = () => ({ key: one(1, 'string'), value: one(2, anyValue) });
const resource: Schema = () => ({
  attributes: many(1, keyValue),
  droppedAttributesCount: one(2, 'uint32'),
});
const scope: Schema = () => ({
  name: one(1, 'string'),
  version: one(2, 'string'),
  attributes: many(3, keyValue),
  droppedAttributesCount: one(4, 'uint32'),
});

const exemplar: Schema = () => ({
  timeUnixNano: one(2, 'fixed64'),
  asDouble: one(3, 'double'),
  spanId: one(4, 'spanId'),
  traceId: one(5, 'traceId'),
  asInt: one(6, 'sfixed64'),
  filteredAttributes: many(7, keyValue),
});
const numberPoint: Schema = () => ({
  startTimeUnixNano: one(2, 'fixed64'),
  timeUnixNano: one(3, 'fixed64'),
  asDouble: one(4, 'double'),
  exemplars: many(5, exemplar),
  asInt: one(6, 'sfixed64'),
  attributes: many(7, keyValue),
  flags: one(8, 'uint32'),
});
const histogramPoint: Schema = () => ({
  startTimeUnixNano: one(2, 'fixed64'),
  timeUnixNano: one(3, 'fixed64'),
  count: one(4, 'fixed64'),
  sum: one(5, 'double'),
  bucketCounts: many(6, 'fixed64'),
  explicitBounds: many(7, 'double'),
  exemplars: many(8, exemplar),
  attributes: many(9, keyValue),
  flags: one(10, 'uint32'),
  min: one(11, 'double'),
  max: one(12, 'double'),
});
const buckets: Schema = () => ({ offset: one(1, 'sint32'), bucketCounts: many(2, 'uint64') });
const exponentialPoint: Schema = () => ({
  attributes: many(1, keyValue),
  startTimeUnixNano: one(2, 'fixed64'),
  timeUnixNano: one(3, 'fixed64'),
  count: one(4, 'fixed64'),
  sum: one(5, 'double'),
  scale: one(6, 'sint32'),
  zeroCount: one(7, 'fixed64'),
  positive: one(8, buckets),
  negative: one(9, buckets),
  flags: one(10, 'uint32'),
  exemplars: many(11, exemplar),
  min: one(12, 'double'),
  max: one(13, 'double'),
  zeroThreshold: one(14, 'double'),
});
const aggregated = (point: Schema): Schema => {
  return () => ({ dataPoints: many(1, point), aggregationTemporality: one(2, 'enum') });
};
const metric: Schema = () => ({
  name: one(1, 'string'),
  description: one(2, 'string'),
  unit: one(3, 'string'),
  gauge: one(5, () => ({ dataPoints: many(1, numberPoint) })),
  sum: one(7, () => ({ ...aggregated(numberPoint)(), isMonotonic: one(3, 'bool') })),
  histogram: one(9, aggregated(histogramPoint)),
  exponentialHistogram: one(10, aggregated(exponentialPoint)),
});

const event: Schema = () => ({
  timeUnixNano: one(1, 'fixed64'),
  name: one(2, 'string'),
  attributes: many(3, keyValue),
  droppedAttributesCount: one(4, 'uint32'),
});
const link: Schema = () => ({
  traceId: one(1, 'traceId'),
  spanId: one(2, 'spanId'),
  traceState: one(3, 'string'),
  attributes: many(4, keyValue),
  droppedAttributesCount: one(5, 'uint32'),
  flags: one(6, 'fixed32'),
});
const span: Schema = () => ({
  traceId: one(1, 'traceId'),
  spanId: one(2, 'spanId'),
  traceState: one(3, 'string'),
  parentSpanId: one(4, 'spanId'),
  name: one(5, 'string'),
  kind: one(6, 'enum'),
  startTimeUnixNano: one(7, 'fixed64'),
  endTimeUnixNano: one(8, 'fixed64'),
  attributes: many(9, keyValue),
  droppedAttributesCount: one(10, 'uint32'),
  events: many(11, event),
  droppedEventsCount: one(12, 'uint32'),
  links: many(13, link),
  droppedLinksCount: one(14, 'uint32'),
  status: one(15, () => ({ message: one(2, 'string'), code: one(3, 'enum') })),
  flags: one(16, 'fixed32'),
});

/** A request's only field: resources, with scopes, with metrics or spans. */
const request = (resources: string, scopes: string, name: string, item: Schema): Schema => {
  const ofScope: Schema = () => ({
    scope: one(1, scope),
    [name]: many(2, item),
    schemaUrl: one(3, 'string'),
  });
  const ofResource: Schema = () => ({
    resource: one(1, resource),
    [scopes]: many(2, ofScope),
    schemaUrl: one(3, 'string'),
  });
  return () => ({ [resources]: many(1, ofResource) });
};

export const METRICS_REQUEST: Schema = request('resourceMetrics', 'scopeMetrics', 'metrics', metric);
export const TRACES_REQUEST: Schema = request('resourceSpans', 'scopeSpans', 'spans', span);
