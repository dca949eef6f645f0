/**
 * Traces of one thread for one configuration: its journal, and the tracer provider that writes it.
 *
 * In: a configuration and the tree's directory. Out: something to make spans with.
 * Invariant: as of metrics (`../recording.ts`): the journal is there, with its configuration in it, before the first span.
 * On failure to create the journal, or to load the SDK: throws; the caller says so once and answers `undefined`.
 */
import type { TracesConfig } from '../config/signals.ts';
import type { Recorder } from '../record/recorder.ts';
import { openRecorder, type RecordingOptions, type SignalRecording } from '../recording.ts';
import { processResource } from '../tree/resource.ts';
import { continueInChildren } from './children.ts';
import { ensureContextManager, inheritedSpan } from './context.ts';
import { JournalSpanProcessor } from './processor.ts';
import { samplerOf, spanLimits } from './sampler.ts';
import { loadTracingSdk } from './sdk.ts';
import { RecordingTracerProvider } from './tracer.ts';

const { env: environment } = process;

/** @throws as `openMetrics` does, and where the SDK cannot be loaded. */
export function openTraces(
  config: TracesConfig,
  options: Omit<RecordingOptions, 'observes'>,
): TracesRecording {
  return new TracesRecording(config, options);
}

export class TracesRecording implements SignalRecording {
  readonly signal = 'traces';
  readonly recorder: Recorder;
  readonly provider: RecordingTracerProvider;
  readonly #stopContinuing: () => void;

  constructor(config: TracesConfig, options: Omit<RecordingOptions, 'observes'>) {
    const sdk = loadTracingSdk();
    this.recorder = openRecorder(config, options);
    ensureContextManager(sdk);
    const provider = new sdk.trace.TracerProvider({
      resource: sdk.resources.resourceFromAttributes(processResource(environment)),
      sampler: samplerOf(config.sampler, sdk.trace),
      spanLimits: spanLimits(environment),
      spanProcessors: [new JournalSpanProcessor(this.recorder)],
    });
    const inherited = inheritedSpan(sdk);
    this.provider = new RecordingTracerProvider({ recorder: this.recorder, provider, inherited });
    this.#stopContinuing = continueInChildren(sdk, inherited);
  }

  /** Traces have nothing that is observed. */
  async observe(): Promise<void> {}

  close(): void {
    this.#stopContinuing();
    this.recorder.close();
  }
}
