/**
 * The same path made of OpenTelemetry's parts, as it would have to be: its SDK keeps one value of a gauge per collection, so each
 * sample is a record with a data point of its own beside it; full requests go through its serializer, and over HTTP.
 */
import { Agent, request } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { DataPoint } from '@opentelemetry/sdk-metrics';
import { attributeSets, randomOrder } from '../attribute-sets.ts';
import { ownCpuMicros } from '../cpu.ts';
import { gaugeMetrics, otelMeter } from '../otel-sdk.ts';
import { answer } from '../requests.ts';
import { eachTurn } from '../turns.ts';

const REQUEST_POINTS = 16_384;
const RESOURCE = resourceFromAttributes({ 'service.name': 'bench' });
const compress = promisify(gzip);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const gauge = otelMeter().meter.createGauge('bench.latency');
const sets = attributeSets(7, 100);
const order = randomOrder(sets.length);
const mask = order.length - 1;

export interface PartsJob {
  readonly url: string;
  readonly samples: number;
  readonly perTurn: number;
  readonly compression: 'none' | 'gzip';
}

function serialize(dataPoints: DataPoint<number>[]): Uint8Array {
  const metrics = gaugeMetrics(RESOURCE, { name: 'bench.latency', unit: '' }, dataPoints);
  return ProtobufMetricsSerializer.serializeRequest(metrics)!;
}

async function post(url: string, body: Uint8Array, compression: string): Promise<void> {
  const encoding = compression === 'gzip' ? { 'content-encoding': 'gzip' } : {};
  const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length, ...encoding };
  await new Promise<void>((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', resolve);
    });
    sent.on('error', reject).end(body);
  });
}

async function send({ url, compression }: PartsJob, points: DataPoint<number>[]): Promise<void> {
  const body = serialize(points);
  await post(url, compression === 'gzip' ? await compress(body) : body, compression);
}

const methods = {
  /** Returns microseconds of CPU. */
  record: async (job: PartsJob): Promise<number> => {
    const before = ownCpuMicros();
    let points: DataPoint<number>[] = [];
    let sent = Promise.resolve();
    const flush = (): void => {
      const full = points;
      points = [];
      sent = sent.then(() => send(job, full));
    };
    let next = 0;
    const recordSome = (): void => {
      for (let index = 0; index < job.perTurn; index++) {
        const attributes = sets[order[next++ & mask]];
        gauge.record(index, attributes);
        const millis = performance.timeOrigin + performance.now();
        const time: [number, number] = [Math.floor(millis / 1000), Math.floor((millis % 1000) * 1e6)];
        points.push({ attributes, startTime: time, endTime: time, value: index });
      }
      if (points.length >= REQUEST_POINTS) flush();
    };
    const turns = Math.ceil(job.samples / job.perTurn);
    const requestTurns = Math.ceil(REQUEST_POINTS / job.perTurn);
    for (let left = turns; left > 0; left -= requestTurns) {
      await eachTurn(Math.min(left, requestTurns), recordSome);
      await sent;
    }
    flush();
    await sent;
    return ownCpuMicros() - before;
  },
};
export type Methods = typeof methods;
answer(methods);
