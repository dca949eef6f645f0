import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { withDeadline } from './deadline.ts';
import { callExporter, hasMethods, shutdownExporter } from './export-call.ts';
import type { ExportOutcome, SpansExporter } from './exporter.ts';
import { outcomeOfEncodingError, reasonOf } from './outcomes.ts';
import { toReadableSpans } from './readable-spans.ts';
import type { SpanBatch } from './spans.ts';

/** Any SpanExporter as the pipeline wants it: one call per batch, of all resources, and one outcome. */
export class PushSpansExporter implements SpansExporter {
  readonly #exporter: SpanExporter;
  readonly #name: string;
  #shutdown: Promise<void> | undefined;

  constructor(exporter: SpanExporter, name: string) {
    this.#exporter = exporter;
    this.#name = name;
  }

  async export(batch: SpanBatch, timeoutMillis: number): Promise<ExportOutcome> {
    let spans: ReadableSpan[];
    try {
      spans = toReadableSpans(batch);
    } catch (error) {
      return outcomeOfEncodingError(error);
    }
    try {
      const outcome = await withDeadline(timeoutMillis, () =>
        callExporter(this.#name, (done) => this.#exporter.export(spans, done)),
      );
      const { status, error } = outcome;
      return status === 'accepted' ? { status, rejectedPoints: 0 } : { status, error };
    } catch (cause) {
      const error = new Error(`${this.#name}: ${reasonOf(cause)}`, { cause });
      return { status: 'retry', error, unanswered: true };
    }
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= shutdownExporter(this.#exporter);
    return this.#shutdown;
  }
}

/** Has the methods of the SDK's interface; `forceFlush` is optional there. */
export function isSpanExporter(value: unknown): value is SpanExporter {
  return hasMethods(value, ['export', 'shutdown']);
}
