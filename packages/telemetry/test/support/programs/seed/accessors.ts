/** Asks for everything that there is for a configuration, in several ways, and says what was the same object. */
import { CounterName, GaugeName, init, type MetricsOptions } from '../../../../src/index.ts';
import type { TracesOptions } from '../../../../src/index.ts';
import { readJob, say } from '../../job.ts';

export interface AccessorsJob {
  readonly directory: string;
  readonly metrics: MetricsOptions;
  readonly traces: TracesOptions;
}

const { directory, metrics, traces } = readJob() as AccessorsJob;
const telemetry = init({ address: directory });

function all(forMetrics: MetricsOptions, forTraces: TracesOptions): Record<string, unknown> {
  return {
    meterProvider: telemetry.meterProvider(forMetrics),
    meter: telemetry.meter(forMetrics),
    gauge: telemetry.gauge(forMetrics, GaugeName.LATENCY),
    counter: telemetry.counter(forMetrics, CounterName.REQUEST_SUM),
    tracerProvider: telemetry.tracerProvider(forTraces),
    tracer: telemetry.tracer(forTraces),
  };
}

const first = all(metrics, traces);
const reordered = <T extends object>(config: T): T =>
  Object.fromEntries(Object.entries(config).toReversed()) as T;
const again = all(reordered(metrics), reordered(traces));
const other = all(
  { ...metrics, reader: { options: { collectIntervalMillis: 77 } } },
  { ...traces, sampler: { type: 'always_off' } },
);
for (const name of Object.keys(first)) {
  say({
    accessor: name,
    isThere: first[name] !== undefined,
    isCached: first[name] === again[name],
    isOther: first[name] !== other[name],
    isNoneWithoutExporter: [1, 2].every(() => all({}, {})[name] === undefined),
  });
}
