/**
 * What the pipeline of `/metrics` does with a configuration's records: gauges by their last value, storage latency, size and
 * rate as histograms; totals stay what they are.
 */
import type { MetricsConfig, ResamplingPolicy } from '../config/signals.ts';
import { GaugeName } from '../names.ts';

/** Seconds: from a local file in memory to a large object over a slow link. */
const LATENCY_BOUNDARIES = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
/** Bytes: 1 KiB to 16 GiB, in steps of four. */
const SIZE_BOUNDARIES = Array.from({ length: 13 }, (_, step) => 1024 * 4 ** step);
/** Bytes per second. */
const RATE_BOUNDARIES = [1e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9, 1e10, 3e10];

/** Windows are for samples only, and a scrape closes them all. */
const COLLECT_INTERVAL_MILLIS = 1000;
/** Without a scrape it reads on so often, that journals may be deleted. */
const EXPORT_INTERVAL_MILLIS = 10_000;

export function scrapedConfig({ reader, cardinalityLimit }: MetricsConfig): MetricsConfig {
  return {
    exporter: { type: 'prometheus', options: {} },
    reader: {
      ...reader,
      collectIntervalMillis: COLLECT_INTERVAL_MILLIS,
      exportIntervalMillis: EXPORT_INTERVAL_MILLIS,
    },
    resampling: {
      type: 'last_value',
      instruments: [
        { name: GaugeName.LATENCY, ...buckets(LATENCY_BOUNDARIES) },
        { name: GaugeName.DATA_SIZE, ...buckets(SIZE_BOUNDARIES) },
        { name: GaugeName.DATA_RATE, ...buckets(RATE_BOUNDARIES) },
      ],
    },
    ...(cardinalityLimit === undefined ? {} : { cardinalityLimit }),
  };
}

function buckets(boundaries: readonly number[]): ResamplingPolicy {
  return { type: 'explicit_bucket_histogram', boundaries };
}
