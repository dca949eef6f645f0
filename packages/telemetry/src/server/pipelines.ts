/**
 * Pipelines of one tree: for each configuration one to its exporter, and one to `/metrics` where that is asked for; or one
 * to the server of a link.
 *
 * In: configurations of journals. Out: the pipelines that read them; what each of them is doing.
 * Invariant: the pipelines of a configuration read the same journals, each at its own pace and with its own checkpoint.
 * On failure: where one broke off, all of its configuration are replaced; they go on from their checkpoints.
 */
import path from 'node:path';
import {
  DEFAULT_PROMETHEUS,
  type MetricsConfig,
  type PrometheusConfig,
  type SignalConfig,
} from '../config/signals.ts';
import type { PointBatch, ResourceDescriptor } from '../exporters/exporter.ts';
import type { SpanBatch } from '../exporters/spans.ts';
import { Forwarding } from '../link/forwarding.ts';
import type { Link } from '../link/link.ts';
import { PrometheusEndpoint } from '../prometheus/endpoint.ts';
import { scrapedConfig } from '../prometheus/scraped-config.ts';
import { PrometheusStore } from '../prometheus/store.ts';
import { SCRAPED_SUFFIX, type ConfigurationStatus } from '../tree/requests.ts';
import type { CyclesOptions } from './cycles.ts';
import { MetricsSignal } from './metrics-signal.ts';
import { Pipeline } from './pipeline.ts';
import { SelfTelemetry, type Subject } from './self-telemetry.ts';
import type { Signal } from './signal.ts';
import { SpansSignal } from './spans-signal.ts';

export type AnyPipeline = Pipeline<PointBatch> | Pipeline<SpanBatch> | Forwarding;

export interface PipelinesOptions {
  readonly directory: string;
  readonly treeResource: ResourceDescriptor;
  /** Where everything goes, instead of to exporters. */
  readonly link: Link | undefined;
  readonly log: (message: string) => void;
  /** Called when the state of one has changed. */
  readonly onChange: () => void;
  /** Whether waiting for a backend that is away keeps the process alive. */
  readonly keepsAlive: boolean;
  /** Whether there is `/metrics`: of a tree that is only drained nobody asks for it, and its port is another's now. */
  readonly isScraped: boolean;
}

interface Entry {
  readonly subject: Subject;
  readonly pipeline: AnyPipeline;
  readonly endpoint?: PrometheusEndpoint;
}

export class Pipelines {
  readonly #options: PipelinesOptions;
  readonly #entries = new Map<string, readonly Entry[]>();
  readonly #endpoints = new Map<string, PrometheusEndpoint>();
  readonly #self = new SelfTelemetry();

  constructor(options: PipelinesOptions) {
    this.#options = options;
  }

  *[Symbol.iterator](): Generator<AnyPipeline> {
    for (const entries of this.#entries.values()) for (const { pipeline } of entries) yield pipeline;
  }

  /** Those that read the journals of a configuration, which is named by its digest; none where it is not known. */
  of(digest: string): readonly AnyPipeline[] {
    return (this.#entries.get(digest) ?? []).map(({ pipeline }) => pipeline);
  }

  /** Those of a configuration, made where they are not there yet. */
  open(digest: string, config: SignalConfig): readonly AnyPipeline[] {
    if (!this.#entries.has(digest)) this.#entries.set(digest, this.#create(digest, config));
    return this.of(digest);
  }

  /** Takes out the pipelines of each configuration of which one broke off. Returns the configurations. */
  discardBroken(): Set<string> {
    const broken = new Set<string>();
    for (const [digest, entries] of this.#entries) {
      if (!entries.some(({ pipeline }) => pipeline.isBroken)) continue;
      broken.add(digest);
      this.#entries.delete(digest);
      for (const { pipeline } of entries) void pipeline.stop();
    }
    return broken;
  }

  /** What each of them is doing, by the name of its directory. */
  get statuses(): Record<string, ConfigurationStatus> {
    const statuses: Record<string, ConfigurationStatus> = {};
    for (const { subject, pipeline, endpoint } of [...this.#entries.values()].flat()) {
      const { state, progress, pendingBytes } = pipeline;
      const error = pipeline.error ?? endpoint?.error;
      statuses[subject.configuration] = {
        signal: subject.signal,
        exporter: subject.exporter,
        state,
        progress,
        journalBytes: pendingBytes,
        ...(pipeline instanceof Pipeline ? { requests: pipeline.health.requests } : {}),
        ...this.#self.latest(subject),
        ...(error === undefined ? {} : { error: error.message }),
        ...(endpoint?.url === undefined ? {} : { url: endpoint.url }),
      };
    }
    return statuses;
  }

  async stop(): Promise<void> {
    await Promise.all([...this].map((pipeline) => pipeline.stop()));
    await Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.close()));
  }

  #create(configuration: string, config: SignalConfig): Entry[] {
    const exporter = config.exporter.type;
    const { link, log } = this.#options;
    if (link !== undefined) {
      const { signal = 'metrics' } = config;
      const directory = path.join(this.#options.directory, 'server', configuration);
      const pipeline = new Forwarding({
        directory,
        digest: configuration,
        exporterType: exporter,
        link,
        log,
      });
      return [{ subject: { signal, exporter, configuration }, pipeline }];
    }
    if (config.signal === 'traces') {
      return [this.#pushed({ signal: 'traces', exporter, configuration }, new SpansSignal(config))];
    }
    if (exporter === 'prometheus') {
      return [this.#scraped(configuration, config, whereOf(config.exporter.options))];
    }
    const signal = new MetricsSignal(config);
    const pushed = this.#pushed({ signal: 'metrics', exporter, configuration }, signal, config.selfTelemetry);
    const { prometheus } = config;
    return prometheus === undefined
      ? [pushed]
      : [pushed, this.#scraped(configuration + SCRAPED_SUFFIX, config, prometheus)];
  }

  /** `carriesSelf`: whether these metrics are to tell of the server as well. */
  #pushed(subject: Subject, signal: MetricsSignal | SpansSignal, carriesSelf = true): Entry {
    const hooks = {
      onExported: (seconds: number) => this.#self.exported(subject, seconds),
      onIngested: (seconds: number) => this.#self.ingested(subject, seconds),
    };
    const { configuration } = subject;
    const pipeline =
      signal instanceof SpansSignal
        ? this.#pipeline(subject, signal, hooks)
        : this.#pipeline(subject, signal, {
            ...hooks,
            ...(carriesSelf ? { takeSelf: () => this.#self.take(configuration) } : {}),
          });
    this.#self.add(subject, () => pipeline.health);
    return { subject, pipeline };
  }

  #scraped(configuration: string, config: MetricsConfig, where: PrometheusConfig): Entry {
    const subject = { signal: 'metrics', exporter: 'prometheus', configuration } as const;
    const store = new PrometheusStore();
    const signal = new MetricsSignal(scrapedConfig(config), store);
    const { selfTelemetry = true } = config;
    const takeSelf = selfTelemetry ? { takeSelf: () => this.#self.take(configuration) } : {};
    const pipeline = this.#pipeline(subject, signal, takeSelf);
    if (!this.#options.isScraped) return { subject, pipeline };
    const endpoint = this.#endpoint(where);
    endpoint.add(configuration, { store, refresh: () => pipeline.flush({ tick: true }) });
    return { subject, pipeline, endpoint };
  }

  #pipeline<Batch>(
    { configuration, exporter: exporterType }: Subject,
    signal: Signal<Batch>,
    hooks: Pick<CyclesOptions<Batch>, 'takeSelf' | 'onExported' | 'onIngested'>,
  ): Pipeline<Batch> {
    const directory = path.join(this.#options.directory, 'server', configuration);
    return new Pipeline({ ...this.#options, ...hooks, directory, exporterType, signal });
  }

  #endpoint({ host, port }: PrometheusConfig): PrometheusEndpoint {
    const key = `${host}:${port}`;
    let endpoint = this.#endpoints.get(key);
    if (endpoint === undefined) {
      const { treeResource, log, onChange } = this.#options;
      endpoint = new PrometheusEndpoint({ host, port, resource: treeResource.attributes, log, onChange });
      this.#endpoints.set(key, endpoint);
    }
    return endpoint;
  }
}

/** Options of the exporter `prometheus`; they may have been stored by another version. */
function whereOf({ host, port }: Readonly<Record<string, unknown>>): PrometheusConfig {
  return {
    host: typeof host === 'string' ? host : DEFAULT_PROMETHEUS.host,
    port: typeof port === 'number' ? port : DEFAULT_PROMETHEUS.port,
  };
}
