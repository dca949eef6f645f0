/**
 * Metrics as OTLP protobuf, straight from the columns of a batch.
 *
 * In: a batch. Out: the bytes of one ExportMetricsServiceRequest: those of OpenTelemetry's own serializer, but that a start
 * time or extreme that is not known is left out, and that exemplars and zero thresholds are there.
 * Invariant: the same batch gives the same bytes. It is written backwards (`protobuf-writer.ts`).
 * On failure: RangeError where the batch is too big for a buffer.
 */
import { ValueType } from '@opentelemetry/api';
import { groupByResource } from './batch-groups.ts';
import type { MetricPoints, PointBatch } from './exporter.ts';
import { writeResources, writeText } from './otlp-attributes.ts';
import { writeExponentialHistograms, writeHistograms } from './otlp-histograms.ts';
import { writeNumbers } from './otlp-numbers.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/** Fields of a Metric's data. */
const DATA = { gauge: 5, sum: 7, histogram: 9, exponential_histogram: 10 } as const;

/**
 * Encodes a batch as one ExportMetricsServiceRequest, which lies in the writer until that is used again.
 *
 * @throws RangeError where the batch is too big for a buffer.
 */
export function encodeProtobuf(batch: PointBatch, writer: ProtobufWriter = new ProtobufWriter()): Uint8Array {
  writer.reset();
  writeResources(writer, groupByResource(batch), ({ metrics }) => {
    for (const metric of metrics.toReversed()) writeMetric(writer, metric);
  });
  return writer.written;
}

function writeMetric(writer: ProtobufWriter, metric: MetricPoints): void {
  const { name, description, unit } = metric.descriptor;
  const before = writer.size;
  if (metric.kind === 'sum' && metric.monotonic) writer.varintField(3, 1);
  if (metric.kind !== 'gauge') writer.varintField(2, metric.temporality === 'delta' ? 1 : 2);
  writePoints(writer, metric);
  writer.message(DATA[metric.kind], before);
  writeText(writer, 3, unit);
  writeText(writer, 2, description);
  writer.stringField(1, name);
  writer.message(2, before);
}

function writePoints(writer: ProtobufWriter, { kind, descriptor, series }: MetricPoints): void {
  if (kind === 'histogram') {
    for (let index = series.length - 1; index >= 0; index--) writeHistograms(writer, series[index]);
  } else if (kind === 'exponential_histogram') {
    for (let index = series.length - 1; index >= 0; index--)
      writeExponentialHistograms(writer, series[index]);
  } else {
    const isInt = descriptor.valueType === ValueType.INT;
    for (let index = series.length - 1; index >= 0; index--) writeNumbers(writer, series[index], isInt);
  }
}
