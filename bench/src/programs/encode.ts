/** Encodes and compresses one full request, as the server does, with OpenTelemetry's serializer beside it. */
import { promisify } from 'node:util';
import { constants, gunzipSync, gzip, gzipSync, zstdCompress, zstdCompressSync } from 'node:zlib';
import { ValueType } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { attributeSets } from '../attribute-sets.ts';
import { measureBlocks, type Subject } from '../blocks.ts';
import { loadEncoder, type Encoder, type GaugeBatch } from '../internals.ts';
import { countPoints } from '../otlp-walk.ts';
import { gaugeMetrics } from '../otel-sdk.ts';
import { answer } from '../requests.ts';

const SECONDS = 1_700_000_000;
const LATENCY = { name: 'multistorageclient.latency', unit: 's' };
const RESOURCE = { 'service.name': 'bench', 'host.name': 'worker-17' };

/** Latencies have no pattern; the points of a series lie side by side, in the order of their times. */
const valueOf = (_: unknown, point: number): number => 0.001 + ((point * 7919) % 10_007) / 1e6;
const nanosOf = (_: unknown, point: number): number => point * 50_021;

function batchOf({ rangeOf }: Encoder, points: number, series: number): GaugeBatch {
  const columns = {
    seconds: new Uint32Array(points).fill(SECONDS),
    nanos: Uint32Array.from({ length: points }, nanosOf),
    values: Float64Array.from({ length: points }, valueOf),
  };
  const begin = (index: number): number => Math.floor((index * points) / series);
  const ranges = attributeSets(7, series).map((attributes, index) =>
    rangeOf({ attributes, encoded: undefined }, columns, begin(index), begin(index + 1)),
  );
  const metric = {
    kind: 'gauge',
    resource: { attributes: RESOURCE },
    scope: { name: 'multistorageclient' },
    descriptor: { ...LATENCY, description: '', valueType: ValueType.DOUBLE },
    series: ranges,
  } as const;
  return { metrics: [metric], points };
}

function sdkMetricsOf({ metrics: [{ series }] }: GaugeBatch): ResourceMetrics {
  const dataPoints = series.flatMap(({ attributes, seconds, nanos, values }) =>
    Array.from(values, (value, row) => {
      const time: [number, number] = [seconds[row], nanos[row]];
      return { attributes, startTime: time, endTime: time, value };
    }),
  );
  return gaugeMetrics(resourceFromAttributes(RESOURCE), LATENCY, dataPoints);
}

interface Compressed {
  readonly runs: Record<string, number[]>;
  readonly bytes: Readonly<Record<'plain' | 'gzip' | 'zlib' | 'zstd', number>>;
}

export interface EncodeJob {
  readonly points: number;
  readonly series: number;
  readonly blocks: number;
}

const GZIP = { level: 1, memLevel: 9 };
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const compress = {
  gzip: promisify<Buffer, object, Buffer>(gzip),
  zstd: promisify<Buffer, object, Buffer>(zstdCompress),
};

const methods = {
  /** Nanoseconds per point. */
  encode: async ({ points, series, blocks }: EncodeJob): Promise<Record<string, number[]>> => {
    const encoder = await loadEncoder();
    const batch = batchOf(encoder, points, series);
    const metrics = sdkMetricsOf(batch);
    const found = [encoder.encode(batch), ProtobufMetricsSerializer.serializeRequest(metrics)!];
    const counts = found.map((bytes) => countPoints(Buffer.from(bytes)));
    if (counts.some((count) => count !== points)) throw new Error(`encoded ${counts.join(' and ')} points`);
    const subjects = [
      { name: 'ours', calls: points * 8, run: () => repeat(8, () => encoder.encode(batch)) },
      {
        name: 'otel',
        calls: points,
        run: () => repeat(1, () => ProtobufMetricsSerializer.serializeRequest(metrics)),
      },
    ];
    return await measureBlocks(subjects, { blocks });
  },

  /** Nanoseconds of CPU per point, on whichever thread, and bytes per point. */
  compress: async ({ points, series, blocks }: EncodeJob): Promise<Compressed> => {
    const encoder = await loadEncoder();
    const body = Buffer.from(encoder.encode(batchOf(encoder, points, series)));
    const ours = encoder.gzip(body);
    if (ours !== undefined && !gunzipSync(ours).equals(body)) throw new Error('gzip has changed the bytes');
    const zlib = async (): Promise<void> => void (await compress.gzip(body, GZIP));
    const subjects: Subject[] = [
      { name: 'gzip', calls: points, run: ours === undefined ? zlib : () => void encoder.gzip(body) },
      { name: 'zlib', calls: points, run: zlib },
      { name: 'zstd', calls: points, run: async () => void (await compress.zstd(body, ZSTD)) },
    ];
    return {
      runs: await measureBlocks(subjects, { blocks }),
      bytes: {
        plain: body.length / points,
        gzip: (ours ?? gzipSync(body, GZIP)).length / points,
        zlib: gzipSync(body, GZIP).length / points,
        zstd: zstdCompressSync(body, ZSTD).length / points,
      },
    };
  },
};
export type Methods = typeof methods;
answer(methods);

function repeat(times: number, run: () => unknown): void {
  for (let time = 0; time < times; time++) run();
}
