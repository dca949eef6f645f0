/**
 * Recording: what one thread holds for one configuration: its journal, recorder and meter provider.
 *
 * In: a configuration and the tree's directory. Out: something to record with.
 * Invariant: the journal is there, with its configuration in it, before anything can be recorded.
 * On failure to create the journal: throws; the caller says so once and answers `undefined`.
 */
import { threadId } from 'node:worker_threads';
import { ConfiguredAttributes } from './attributes/configured.ts';
import { resolveBudget, type BudgetOptions } from './budget.ts';
import { canonicalJson } from './config/canonical.ts';
import type { MetricsConfig, SignalConfig } from './config/signals.ts';
import { encodeAttributes } from './journal/attributes.ts';
import { journalPlaces } from './journal/places.ts';
import { JournalWriter } from './journal/writer.ts';
import { every } from './readers/deadline.ts';
import { RecordingMeterProvider } from './record/meter.ts';
import { RecordingOperations, type Operations, type OperationsOptions } from './record/operations.ts';
import { Recorder, type Flush } from './record/recorder.ts';
import { claimBatch } from './record/slots.ts';
import { currentIdentity } from './tree/identity.ts';
import { randomName } from './tree/random.ts';
import { processResource } from './tree/resource.ts';
import { spillDirectoryFor } from './tree/trees.ts';

const { env: environment } = process;

export interface RecordingOptions extends BudgetOptions {
  readonly directory: string;
  /** Whether the directory is real, and not in memory. */
  readonly isJournaled: boolean;
  readonly flush: Flush;
  /** Whether observable callbacks may run now. */
  readonly observes: () => boolean;
}

/** What one thread holds for one configuration, whatever its signal. */
export interface SignalRecording {
  readonly signal: 'metrics' | 'traces';
  readonly recorder: Recorder;
  /** Runs what is observed once. */
  observe(): Promise<void>;
  close(): void;
}

/** Creates a journal for this thread, and what writes it. */
export function openRecorder(
  configuration: SignalConfig,
  options: Omit<RecordingOptions, 'observes'>,
): Recorder {
  const { directory, isJournaled, flush } = options;
  const id = randomName();
  const places = journalPlaces(directory, spillDirectoryFor(directory), id);
  const writer = {
    process: currentIdentity(),
    threadId,
    startedAtMillis: Date.now(),
    resource: encodeAttributes(processResource(environment)),
  };
  // Memory has no disk to spill to: what journals leave of it is for plans and checkpoints.
  const budget = resolveBudget(isJournaled ? options : { ...options, spillMaxBytes: 0 }, directory);
  const journal = new JournalWriter(places, { writer, configuration }, budget);
  const cardinalityLimit = configuration.signal === 'traces' ? undefined : configuration.cardinalityLimit;
  return new Recorder(journal, flush, claimBatch(places.primary), cardinalityLimit);
}

/** @throws TelemetryError, or what the system answers, where no journal can be created. */
export function openMetrics(config: MetricsConfig, options: RecordingOptions): Recording {
  return new Recording(config, options);
}

export class Recording implements SignalRecording {
  readonly signal = 'metrics';
  readonly recorder: Recorder;
  readonly provider: RecordingMeterProvider;
  readonly #configured: ConfiguredAttributes | undefined;
  readonly #operations = new Map<unknown, Map<string, Operations>>();
  #stopObserving: (() => void) | undefined;

  constructor(config: MetricsConfig, options: RecordingOptions) {
    const { observes } = options;
    this.recorder = openRecorder(config, options);
    if (config.attributes !== undefined) {
      this.#configured = new ConfiguredAttributes(config.attributes, environment);
    }
    const startObserving = (): void => {
      const collect = (): void => {
        if (observes()) void this.observe();
      };
      this.#stopObserving = every(config.reader.collectIntervalMillis, collect);
    };
    this.provider = new RecordingMeterProvider(this.recorder, startObserving, this.#configured);
  }

  /** The same object for equal options and the same tracer. */
  operations({ tracer, ...plain }: OperationsOptions): Operations {
    let known = this.#operations.get(tracer);
    if (known === undefined) this.#operations.set(tracer, (known = new Map()));
    const key = canonicalJson(plain);
    let operations = known.get(key);
    if (operations === undefined) {
      const options = tracer === undefined ? plain : { ...plain, tracer };
      operations = new RecordingOperations(this.recorder, options, this.#configured);
      known.set(key, operations);
    }
    return operations;
  }

  /** Runs the observable callbacks once. */
  observe(): Promise<void> {
    return this.provider.callbacks.collect();
  }

  close(): void {
    this.#stopObserving?.();
    this.recorder.close();
  }
}
