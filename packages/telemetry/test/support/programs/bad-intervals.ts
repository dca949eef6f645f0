/** Asks for meter providers with intervals that are none, and says how that was refused. */
import { init, TelemetryError, type MetricsOptions } from '../../../src/index.ts';
import { readJob, say } from '../job.ts';

const KEYS = [
  'collect_interval_millis',
  'collectTimeoutMillis',
  'export_interval_millis',
  'exportTimeoutMillis',
];
const VALUES = [0, -1, NaN, Infinity];

export interface BadIntervalsJob {
  readonly directory: string;
  readonly config: MetricsOptions;
}

const { directory, config } = readJob() as BadIntervalsJob;
const telemetry = init({ address: directory });

function refusal(options: Readonly<Record<string, unknown>>): object {
  try {
    telemetry.meterProvider({ ...config, reader: { options } });
    return { accepted: true };
  } catch (error) {
    if (!(error instanceof TelemetryError)) throw error;
    return { code: error.code, message: error.message, problems: error.problems.length };
  }
}

say({
  refusals: KEYS.flatMap((key) =>
    VALUES.map((value) => ({ key, value: String(value), ...refusal({ [key]: value }) })),
  ),
  all: refusal(Object.fromEntries(KEYS.map((key, index) => [key, VALUES[index]]))),
});
