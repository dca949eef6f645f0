/**
 * Traces as a signal: finished spans go as they are; of spans that nobody ended the server tells the end.
 *
 * In: SPAN_STARTS, SPANS and LOST_SPANS frames. Out: requests of at most `maxExportBatchSize` spans.
 * Invariant: a sampled span leaves once: when it has ended, or when its process or thread is gone, then with an error status
 * and the time of death. Which spans are open is part of the checkpoint.
 * On failure: an entry that is no span is dropped as `invalid_span`.
 */
import type { TracesConfig } from '../config/signals.ts';
import type { BatchExporter } from '../exporters/exporter.ts';
import { loadSpansExporter } from '../exporters/load.ts';
import type { SpanBatch, SpanRecord, SpanStart } from '../exporters/spans.ts';
import { FrameType, type Frame } from '../journal/frame.ts';
import { readLostSpans, readSpans, readSpanStarts } from '../journal/spans.ts';
import { fromMillis, isBefore, type Close } from '../resample/windows.ts';
import { OpenSpans } from './open-spans.ts';
import type { Intake, IntakeContext, Request, Signal, Splitter } from './signal.ts';
import { halveSpans, SpanRequestBuilder, spansByResource } from './span-request.ts';
import type { TailedJournal } from './tailed-journal.ts';

/** `SpanStatusCode.ERROR` of the API. */
const ERROR = 2;
const NEVER_ENDED = 'the process or thread ended before the span did';

export class SpansSignal implements Signal<SpanBatch> {
  readonly #config: TracesConfig;
  readonly splitter: Splitter<SpanBatch> = { halves: halveSpans, byResource: spansByResource };

  constructor(config: TracesConfig) {
    this.#config = config;
  }

  /** Spans have no windows. */
  get collectIntervalMillis(): number {
    return this.#config.processor.scheduleDelayMillis;
  }

  get exportIntervalMillis(): number {
    return this.#config.processor.scheduleDelayMillis;
  }

  get exportTimeoutMillis(): number {
    return this.#config.processor.exportTimeoutMillis;
  }

  loadExporter(): Promise<BatchExporter<SpanBatch>> {
    return loadSpansExporter(this.#config.exporter);
  }

  createIntake({ restored }: IntakeContext): Intake<SpanBatch> {
    return new SpansIntake(this.#config.processor.maxExportBatchSize, restored);
  }
}

/** What traces have in a checkpoint: open spans by journal. */
interface SpansState {
  readonly openSpans?: Readonly<Record<string, readonly SpanStart[]>>;
}

class SpansIntake implements Intake<SpanBatch> {
  readonly sealed: Request<SpanBatch>[] = [];
  readonly isEmpty = true;
  readonly hasOpenWindows = false;
  readonly #builder: SpanRequestBuilder;
  readonly #open = new Map<string, OpenSpans>();

  constructor(maxSpans: number, { openSpans = {} }: SpansState) {
    this.#builder = new SpanRequestBuilder(maxSpans);
    for (const [journal, spans] of Object.entries(openSpans))
      for (const span of spans) this.#start(journal, span);
  }

  get state(): string {
    const openSpans: Record<string, readonly SpanStart[]> = {};
    for (const [journal, spans] of this.#open) openSpans[journal] = spans.values();
    return JSON.stringify({ openSpans });
  }

  frame(journal: TailedJournal, frame: Frame): boolean {
    if (frame.type === FrameType.SPAN_STARTS) {
      for (const span of readSpanStarts(frame)) this.#start(journal.id, span);
      return true;
    }
    if (frame.type === FrameType.LOST_SPANS) {
      for (const id of readLostSpans(frame)) this.#open.get(journal.id)?.delete(id);
      return true;
    }
    if (frame.type !== FrameType.SPANS || frame.units !== frame.rows) return false;
    const spans = readSpans(frame);
    journal.account.drop('invalid_span', frame.units - spans.length);
    for (const span of spans) {
      this.#open.get(journal.id)?.delete(span.spanId);
      this.#add(journal, span, true);
    }
    return true;
  }

  end(journal: TailedJournal, _close: Close, endedAtMillis: number): void {
    for (const span of this.#open.get(journal.id)?.values() ?? []) {
      this.#add(journal, neverEnded(span, endedAtMillis), false);
    }
    this.#open.delete(journal.id);
  }

  finish(): void {
    if (!this.#builder.isEmpty) this.sealed.push(this.#builder.seal());
  }

  forget(): void {
    // A journal's open spans end with it.
  }

  #start(journal: string, span: SpanStart): void {
    let spans = this.#open.get(journal);
    if (spans === undefined) this.#open.set(journal, (spans = new OpenSpans()));
    spans.add(span);
  }

  #add({ id, resource }: TailedJournal, span: SpanRecord, isUnit: boolean): void {
    if (this.#builder.isFull) this.sealed.push(this.#builder.seal());
    this.#builder.add(resource, span, isUnit ? id : undefined);
  }
}

function neverEnded(span: SpanStart, endedAtMillis: number): SpanRecord {
  const end = fromMillis(endedAtMillis);
  return {
    ...span,
    end: isBefore(end, span.start) ? span.start : end,
    events: [],
    status: { code: ERROR, message: NEVER_ENDED },
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
  };
}
