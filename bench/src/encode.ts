/** `encode/*`: one request of 16,384 raw points, from columns to bytes, per point. */
import type { Bench } from './bench.ts';
import type { Methods } from './programs/encode.ts';
import type { Measurement } from './results.ts';

const POINTS = 16_384;
const SERIES = 100;
const SERIALIZER = 'otel-js ProtobufMetricsSerializer';

export const encode: Bench = {
  names: ['encode/otlp', 'encode/otlp/1-point-a-series', 'encode/gzip', 'encode/zstd'],
  async run({ place, wants, isQuick }) {
    const program = place.start<Methods>('encode');
    const blocks = isQuick ? 2 : 15;
    const points = isQuick ? 128 : POINTS;
    const results: Measurement[] = [];
    const serialize = async (name: string, series: number): Promise<Measurement> => {
      const { ours, otel } = await program.ask('encode', { points, series, blocks });
      return { name, unit: 'ns/point', runs: ours, baseline: { name: SERIALIZER, runs: otel } };
    };
    if (wants('encode/otlp')) {
      results.push({ ...(await serialize('encode/otlp', SERIES)), atMost: 0.04, of: 'ratio' });
    }
    if (wants('encode/otlp/1-point-a-series')) {
      results.push(await serialize('encode/otlp/1-point-a-series', points));
    }
    const compressions = (['gzip', 'zstd'] as const).filter((name) => wants(`encode/${name}`));
    if (compressions.length > 0) {
      const { runs, bytes } = await program.ask('compress', { points, series: SERIES, blocks });
      const note = (name: 'gzip' | 'zstd'): string =>
        `${bytes[name].toFixed(1)} B a point of ${bytes.plain.toFixed(0)} B`;
      const zlib = { name: `zlib, level 1, ${bytes.zlib.toFixed(1)} B a point`, runs: runs['zlib'] };
      for (const name of compressions) {
        const baseline = name === 'gzip' ? { baseline: zlib } : {};
        results.push({
          name: `encode/${name}`,
          unit: 'ns/point',
          runs: runs[name],
          note: note(name),
          ...baseline,
        });
      }
    }
    return results;
  },
};
