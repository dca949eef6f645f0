/**
 * Open spans of one writer: what the server would have to end, were the writer gone.
 *
 * In: starts and ends. Out: the spans that nobody has ended.
 * Invariant: a writer that never ends its spans fills neither the server's memory nor its checkpoint; the first ones are
 * remembered, and those are the same after a restart.
 */
import type { SpanStart } from '../exporters/spans.ts';

const MAX_SPANS = 16_384;
/** In characters of what a program gives a span. */
const MAX_SIZE = 16 * 1024 * 1024;

export class OpenSpans {
  readonly #spans = new Map<string, SpanStart>();
  #size = 0;

  /** One for which there is no room is not remembered. */
  add(span: SpanStart): void {
    const size = sizeOf(span);
    if (this.#spans.size >= MAX_SPANS || this.#size + size > MAX_SIZE) return;
    this.delete(span.spanId);
    this.#spans.set(span.spanId, span);
    this.#size += size;
  }

  delete(spanId: string): void {
    const span = this.#spans.get(spanId);
    if (span === undefined) return;
    this.#spans.delete(spanId);
    this.#size -= sizeOf(span);
  }

  values(): SpanStart[] {
    return [...this.#spans.values()];
  }
}

function sizeOf({ name, attributes, links, traceState = '' }: SpanStart): number {
  return name.length + traceState.length + JSON.stringify([attributes, links]).length;
}
