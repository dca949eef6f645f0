import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { withExemplars } from './exemplars.ts';
import type { PointBatch } from './exporter.ts';
import { toResourceMetrics } from './resource-metrics.ts';

/**
 * Encodes a batch as one ExportMetricsServiceRequest.
 *
 * @throws RangeError where the batch is too big for a buffer.
 */
export function encodeProtobuf(batch: PointBatch): Uint8Array {
  const requests = toResourceMetrics(batch).flatMap(
    (resource) => ProtobufMetricsSerializer.serializeRequest(resource) ?? [],
  );
  // The serializer takes one resource; messages of repeated fields, one after the other, are one message.
  const request = requests.length === 1 ? requests[0] : Buffer.concat(requests);
  return withExemplars(request, batch.metrics);
}
