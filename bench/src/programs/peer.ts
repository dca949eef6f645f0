/** What other libraries of Node.js take for one value of a gauge with seven labels: 100 sets of them, the same objects every time. */
import { createRequire } from 'node:module';
import { attributeSets, randomOrder } from '../attribute-sets.ts';
import { measureBlocks } from '../blocks.ts';
import { turn } from '../journaled.ts';
import { answer } from '../requests.ts';

const sets = attributeSets(7, 100);
const order = randomOrder(sets.length);
const mask = order.length - 1;
const labelled = sets.map((set) =>
  Object.fromEntries(Object.entries(set).map(([name, value]) => [name.replaceAll('.', '_'), String(value)])),
);

type Labels = Readonly<Record<string, string>>;

interface PrometheusGauge {
  set(labels: Labels, value: number): void;
  labels(labels: Labels): { set(value: number): void };
}

interface PrometheusClient {
  readonly Gauge: new (options: object) => PrometheusGauge;
}

interface StatsdClient {
  gauge(name: string, value: number, tags: Labels): void;
  close(done: () => void): void;
}

export interface PeerJob {
  readonly calls: number;
  readonly blocks: number;
  /** Main module of the library. */
  readonly module: string;
  /** Of a UDP socket that reads. */
  readonly port?: number;
}

const load = createRequire(import.meta.url);

const methods = {
  prometheus: async ({ calls, blocks, module }: PeerJob): Promise<Record<string, number[]>> => {
    const { Gauge } = load(module) as PrometheusClient;
    const labelNames = Object.keys(labelled[0]);
    const gauge = new Gauge({ name: 'bench_latency', help: 'of a bench', labelNames });
    const children = labelled.map((labels) => gauge.labels(labels));
    return await measureBlocks(
      [
        {
          name: 'labels',
          calls,
          run: (times) => {
            for (let call = 0; call < times; call++) gauge.set(labelled[order[call & mask]], call);
          },
        },
        {
          name: 'child',
          calls: calls * 8,
          run: (times) => {
            for (let call = 0; call < times; call++) children[order[call & mask]].set(call);
          },
        },
      ],
      { blocks },
    );
  },

  /** Batches of 8 KiB; turns between, in which the socket gets rid of them, are part of it. */
  statsd: async ({ calls, blocks, module, port }: PeerJob): Promise<Record<string, number[]>> => {
    const { StatsD } = load(module) as { StatsD: new (options: object) => StatsdClient };
    const client = new StatsD({ protocol: 'udp', host: '127.0.0.1', port, maxBufferSize: 8192 });
    const run = async (times: number): Promise<void> => {
      for (let call = 0; call < times; call++) {
        client.gauge('bench.latency', call, labelled[order[call & mask]]);
        if (call % 256 === 0) await turn();
      }
    };
    const found = await measureBlocks([{ name: 'gauge', calls, run }], { blocks });
    await new Promise<void>((resolve) => client.close(resolve));
    return found;
  },
};
export type Methods = typeof methods;
answer(methods);
