/** Records with everything there is, and says which modules were loaded for it. Runs under `loaded-modules.ts`. */
import { registerHooks } from 'node:module';
import { readJob, say } from '../job.ts';
import type { MetricsOptions } from '../../../src/index.ts';

export interface ImportsJob {
  readonly directory: string;
  readonly config: MetricsOptions;
}

const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    loaded.add(url);
    return next(url, context);
  },
});

const { directory, config } = readJob() as ImportsJob;
const { GaugeName, init } = await import('../../../src/index.ts');
const telemetry = init({ address: directory });
const meter = telemetry.meter(config)!;
telemetry.gauge(config, GaugeName.LATENCY)!.record(1);
meter.createCounter('counter').add(1);
meter.createUpDownCounter('up_down_counter').add(-1);
meter.createHistogram('histogram').record(1);
meter.createObservableGauge('observable').addCallback((result) => result.observe(1));
telemetry.operations(config, { provider: 'file' })!.start('read').succeed(1);
await telemetry.forceFlush();
await telemetry.shutdown();
say({ loaded: [...loaded] });
