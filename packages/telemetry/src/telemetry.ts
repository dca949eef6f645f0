/**
 * Telemetry: what a program holds. One per thread and tree.
 *
 * In: configurations. Out: meter providers, meters, gauges, counters and operations, cached by configuration.
 * Invariant: whatever was recorded through it is in a journal when the process is gone, whichever way it went.
 * On failure: without a usable exporter the answer is `undefined`, and one line on stderr says why.
 */
import { isMainThread } from 'node:worker_threads';
import type { Tracer } from '@opentelemetry/api';
import type { BudgetOptions } from './budget.ts';
import { complaintsOf } from './complaints.ts';
import { canonicalJson } from './config/canonical.ts';
import { configurationDigest } from './config/digest.ts';
import { resolveMetricsConfig, type MetricsOptions } from './config/metrics.ts';
import type { SignalConfig } from './config/signals.ts';
import { resolveTracesConfig, type TracesOptions } from './config/traces.ts';
import { Configured, type ConfigurationSource, type SignalResolution } from './configured.ts';
import { invalid } from './errors.ts';
import { flushConfigurations } from './flush.ts';
import type { LocalServer } from './local.ts';
import { logError } from './log.ts';
import type { Membership, TelemetryMode } from './modes.ts';
import { METER_NAME, TRACER_NAME, UNITS, type CounterName, type GaugeName } from './names.ts';
import type { BindableCounter, BindableGauge } from './record/instruments.ts';
import type { RecordingMeter, RecordingMeterProvider } from './record/meter.ts';
import type { Operations, OperationsOptions } from './record/operations.ts';
import type { Flush } from './record/recorder.ts';
import { openMetrics, type Recording, type RecordingOptions, type SignalRecording } from './recording.ts';
import { openTraces, type TracesRecording } from './traces/recording.ts';
import type { RecordingTracerProvider } from './traces/tracer.ts';
import { ConsoleRelay } from './tree/console.ts';
import { waitForExport } from './tree/wait.ts';
import { VERSION } from './version.ts';

const { clearInterval, setInterval } = globalThis;
const { env: environment } = process;

const HEARTBEAT_MILLIS = 1000;
const DEFAULT_EXIT_TIMEOUT_MILLIS = 5000;

/** How a signal comes from what a user writes to what records it. */
interface Signal<O, C, R> extends SignalResolution<O, C> {
  readonly open: (config: C, options: RecordingOptions) => R;
}

const METRICS = { name: 'metrics', resolve: resolveMetricsConfig, open: openMetrics } as const;
const TRACES = { name: 'traces', resolve: resolveTracesConfig, open: openTraces } as const;

export interface TelemetryOptions extends BudgetOptions {
  /**
   * When what was recorded is written to the journal: at the end of each turn of the event loop (`turn`, default), at every
   * record (`record`: nothing is lost to SIGKILL), or every so many milliseconds.
   */
  readonly flush?: Flush;
  /**
   * Milliseconds that the exit of the main process waits for the last export; in mode `local`, where `process.exit()` waits
   * for nothing, those that the end of its work waits. Default 5000; 0 does not wait.
   */
  readonly exitTimeoutMillis?: number;
}

export interface TelemetryStats {
  readonly mode: TelemetryMode;
  readonly directory: string;
  /** Whether what is recorded outlives this process. */
  readonly isJournaled: boolean;
  /** Calls of `record` and `add`, ended operations, and ended spans, of this thread. */
  readonly recorded: number;
  /** Of those, what could not be kept, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Of those recorded, what is in the series of the overflow, as its attributes are beyond a cardinality limit. */
  readonly overflowed: number;
  /** Bytes in this thread's journals that the server has not deleted, as of its last segment. */
  readonly outstandingBytes: number;
}

export class Telemetry {
  readonly #membership: Membership;
  readonly #options: TelemetryOptions;
  readonly #local: LocalServer | undefined;
  readonly #configured: Configured = new Configured(environment);
  readonly #relay: ConsoleRelay | undefined;
  /** By the options that were passed, and by the digest of the configuration that these become. */
  readonly #metrics = new Map<string, Recording | undefined>();
  readonly #traces = new Map<string, TracesRecording | undefined>();
  readonly #byDigest = new Map<string, SignalRecording>();
  readonly #heartbeat: NodeJS.Timeout;
  #shutdown: Promise<void> | undefined;

  /** Made by `init`. */
  constructor(membership: Membership, options: TelemetryOptions, local: LocalServer | undefined) {
    this.#membership = membership;
    this.#options = options;
    this.#local = local;
    this.#relay =
      membership.isOwner && local === undefined ? new ConsoleRelay(membership.directory) : undefined;
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MILLIS).unref();
    local?.exportAtEndOfWork({
      recorded: () => this.stats().recorded,
      flush: () => this.#flush(),
      digests: () => [...this.#byDigest.keys()],
      timeoutMillis: options.exitTimeoutMillis ?? DEFAULT_EXIT_TIMEOUT_MILLIS,
    });
  }

  /**
   * The meter provider of a configuration: the `opentelemetry.metrics` section of an MSC configuration; without one, that of
   * the telemetry's own configuration. The same object for an equal configuration. `undefined`, with one logged error, where
   * no usable exporter is configured, and without a word where `OTEL_SDK_DISABLED` is `true`.
   * @throws TelemetryError `MSC_CONFIGURATION_INVALID` naming every other field that is wrong, `MSC_CONFIGURATION_UNREADABLE`
   *   where the telemetry's own configuration cannot be read.
   */
  meterProvider(config?: MetricsOptions): RecordingMeterProvider | undefined {
    return this.#metricsOf(config)?.provider;
  }

  /** The meter named `multistorageclient` of a configuration; see `meterProvider`. */
  meter(config?: MetricsOptions): RecordingMeter | undefined {
    return this.meterProvider(config)?.getMeter(METER_NAME);
  }

  /** A gauge of storage operations; see `meterProvider`. The same object for the same configuration and name. */
  gauge(config: MetricsOptions | undefined, name: GaugeName): BindableGauge | undefined {
    return this.meter(config)?.createGauge(name, { unit: UNITS[name] ?? '' });
  }

  /** A counter of storage operations; see `meterProvider`. The same object for the same configuration and name. */
  counter(config: MetricsOptions | undefined, name: CounterName): BindableCounter | undefined {
    return this.meter(config)?.createCounter(name, { unit: UNITS[name] ?? '' });
  }

  /**
   * Records whole storage operations, from each of which the server derives latency, data size, data rate and the three
   * sums. See `meterProvider` for the configuration. Where that is the telemetry's own and has traces too, each operation
   * is a span of `tracer()`, unless the options name another tracer.
   * @throws TelemetryError as `meterProvider` does, and `MSC_CONFIGURATION_INVALID` without a provider.
   */
  operations(config: MetricsOptions | undefined, options: OperationsOptions): Operations | undefined {
    checkProvider(options);
    const recording = this.#metricsOf(config);
    const isGiven = config !== undefined || options.tracer !== undefined;
    if (recording === undefined || isGiven || !this.#configured.has('traces')) {
      return recording?.operations(options);
    }
    const tracer = this.tracer();
    return recording.operations(tracer === undefined ? options : { ...options, tracer });
  }

  /**
   * The tracer provider of a configuration: the `opentelemetry.traces` section of an MSC configuration; without one, that of
   * the telemetry's own configuration. The same object for an equal configuration. A span is in the journal from the moment it
   * starts. `undefined` as for `meterProvider`.
   * @throws TelemetryError as `meterProvider` does.
   */
  tracerProvider(config?: TracesOptions): RecordingTracerProvider | undefined {
    return this.#tracesOf(config)?.provider;
  }

  /** The tracer named `multistorageclient` of a configuration; see `tracerProvider`. */
  tracer(config?: TracesOptions): Tracer | undefined {
    return this.tracerProvider(config)?.getTracer(TRACER_NAME, VERSION);
  }

  /** Takes the configuration that `init` was given; see there. */
  configure(configuration: ConfigurationSource): void {
    this.#configured.choose(configuration);
  }

  /**
   * Exports everything that this thread has recorded. Resolves when the exporters have accepted it.
   * @throws TelemetryError `MSC_FLUSH_TIMEOUT` after `timeoutMillis` (default 30,000): what was recorded stays in the
   *   journal and is exported later.
   */
  async forceFlush({ timeoutMillis = 30_000 }: { readonly timeoutMillis?: number } = {}): Promise<void> {
    await this.#flush();
    await this.#exported(timeoutMillis);
    this.#relay?.relay();
  }

  /**
   * Exports everything, and ends the journals of this thread; what is recorded afterwards is dropped, counted as `closed`.
   * The exporters belong to the server and stay open for the other members of the tree. Idempotent.
   */
  shutdown({ timeoutMillis = 30_000 }: { readonly timeoutMillis?: number } = {}): Promise<void> {
    this.#shutdown ??= this.#close(timeoutMillis);
    return this.#shutdown;
  }

  stats(): TelemetryStats {
    let recorded = 0;
    let overflowed = 0;
    let outstandingBytes = 0;
    const dropped: Record<string, number> = {};
    for (const { recorder } of this.#byDigest.values()) {
      const { account } = recorder;
      recorded += account.recorded;
      overflowed += account.overflowed;
      outstandingBytes += account.outstandingBytes;
      for (const [reason, count] of Object.entries(account.dropped))
        dropped[reason] = (dropped[reason] ?? 0) + count;
    }
    const { mode, directory, isJournaled } = this.#membership;
    return { mode, directory, isJournaled, recorded, dropped, overflowed, outstandingBytes };
  }

  /** Everything of this thread into its journals, synchronously: at a signal, or at exit. */
  flushSync(): void {
    for (const { recorder } of this.#byDigest.values()) recorder.flush(true);
  }

  /** The thread's last synchronous words; everything recorded later is written record by record. */
  leaveSync(): void {
    // Callbacks that are synchronous observe once more; the promises of the others will not be kept.
    if (this.#local?.hasFlushed(this.stats().recorded) !== true) void this.#observe();
    for (const { recorder } of this.#byDigest.values()) {
      recorder.leave();
      // In LOCAL nobody is left who would read it.
      if (!isMainThread && !recorder.isWatched && this.#local === undefined) recorder.close();
    }
  }

  /** Waits, without a turn of the event loop, until the server has exported what is there, if it can be expected to. */
  waitSync(): void {
    const { directory, isOwner, supervisor, leave } = this.#membership;
    const revive = (): void => supervisor?.revive();
    if (isMainThread && this.#shutdown === undefined) revive();
    if (isOwner && this.#local === undefined && this.#shutdown === undefined) {
      const timeoutMillis = this.#options.exitTimeoutMillis ?? DEFAULT_EXIT_TIMEOUT_MILLIS;
      waitForExport(directory, [...this.#byDigest.keys()], timeoutMillis, revive);
      this.#relay?.relay();
    }
    supervisor?.stop();
    leave();
  }

  #metricsOf(options: MetricsOptions | undefined): Recording | undefined {
    return this.#recording(this.#metrics, options, METRICS);
  }

  #tracesOf(options: TracesOptions | undefined): TracesRecording | undefined {
    return this.#recording(this.#traces, options, TRACES);
  }

  #recording<O extends MetricsOptions | TracesOptions, C extends SignalConfig, R extends SignalRecording>(
    known: Map<string, R | undefined>,
    options: O | undefined,
    signal: Signal<O, C, R>,
  ): R | undefined {
    const key = options === undefined ? '' : canonicalJson(options);
    if (known.has(key)) return known.get(key);
    const recording = this.#open(known, options, signal);
    known.set(key, recording);
    return recording;
  }

  #open<O extends MetricsOptions | TracesOptions, C extends SignalConfig, R extends SignalRecording>(
    known: Map<string, R | undefined>,
    options: O | undefined,
    signal: Signal<O, C, R>,
  ): R | undefined {
    const config = this.#configured.resolve(signal, options);
    if (config === undefined) return undefined;
    const { name, open } = signal;
    const digest = configurationDigest(config);
    if (known.has(digest)) return known.get(digest);
    const { directory, isJournaled, supervisor } = this.#membership;
    supervisor?.startPending();
    try {
      const recording = open(config, {
        ...this.#options,
        directory,
        isJournaled,
        flush: this.#options.flush ?? 'turn',
        // When LOCAL is exporting its last, another observation would be something new to export.
        observes: () => this.#local?.isExporting !== true,
      });
      this.#byDigest.set(digest, recording);
      known.set(digest, recording);
      return recording;
    } catch (error) {
      logError(`no journal can be written (${String(error)}): ${name} are disabled`);
      return undefined;
    }
  }

  async #flush(): Promise<void> {
    await this.#observe();
    for (const { recorder } of this.#byDigest.values()) recorder.flush();
  }

  async #observe(): Promise<void> {
    await Promise.all([...this.#byDigest.values()].map((recording) => recording.observe()));
  }

  #exported(timeoutMillis: number): Promise<void> {
    return flushConfigurations(this.#membership.directory, this.#byDigest.keys(), timeoutMillis);
  }

  async #close(timeoutMillis: number): Promise<void> {
    const { supervisor, leave } = this.#membership;
    try {
      await this.#observe();
      for (const recording of this.#byDigest.values()) recording.close();
      await this.#exported(timeoutMillis);
    } finally {
      clearInterval(this.#heartbeat);
      this.#relay?.relay();
      leave();
      supervisor?.stop();
      await this.#local?.stop();
    }
  }

  #beat(): void {
    for (const { recorder } of this.#byDigest.values()) recorder.flush();
    this.#membership.supervisor?.check();
    this.#relay?.relay();
    for (const complaint of complaintsOf(this.#membership.directory, this.#byDigest)) logError(complaint);
  }
}

/** As JavaScript may pass them: alone, for one. */
function checkProvider(options: OperationsOptions | undefined): void {
  const value: unknown = options?.provider;
  if (typeof value === 'string') return;
  const expected = 'a text, such as s3: operations(config, { provider })';
  throw invalid('MSC_CONFIGURATION_INVALID', 'options of operations are invalid', [
    { path: 'provider', value, expected },
  ]);
}
