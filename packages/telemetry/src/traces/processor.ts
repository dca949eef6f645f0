/**
 * The span processor of the recording side: every start and every end is in the journal when the call returns.
 *
 * In: spans of the SDK's tracer. Out: frames, one append each, so that what kills a thread between two calls takes nothing.
 * Invariant: never throws into the program; a span that ends is in the journal or counted as dropped.
 * On failure: a start that finds no room is only missing; an end is counted, as `budget`, `closed` or `invalid_attributes`.
 */
import { TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { FrameType } from '../journal/frame.ts';
import type { Recorder } from '../record/recorder.ts';
import { encodeEnd, encodeStart } from './encode.ts';

export class JournalSpanProcessor implements SpanProcessor {
  readonly #recorder: Recorder;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  onStart(span: ReadableSpan): void {
    this.#append(span, FrameType.SPAN_STARTS, 0, encodeStart);
  }

  onEnd(span: ReadableSpan): void {
    this.#append(span, FrameType.SPANS, 1, encodeEnd);
  }

  /** Everything is in the journal already. */
  async forceFlush(): Promise<void> {}

  /** The journal belongs to the telemetry. */
  async shutdown(): Promise<void> {}

  #append(
    span: ReadableSpan,
    type: FrameType,
    units: number,
    encode: (span: ReadableSpan) => Uint8Array | undefined,
  ): void {
    // A span that is recorded but not sampled is for processors in the program.
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    let payload: Uint8Array | undefined;
    try {
      payload = encode(span);
    } catch {
      // Counted like one that is too large.
    }
    let isWritten = false;
    if (payload === undefined) this.#recorder.drop('invalid_attributes', units);
    else isWritten = this.#recorder.append({ type, rows: 1, units, payload });
    if (units > 0 && !isWritten) this.#recorder.loseSpan(span.spanContext().spanId);
  }
}
