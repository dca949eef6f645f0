import type { ExportOutcome, SpansExporter } from './exporter.ts';
import { outcomeOfEncodingError } from './outcomes.ts';
import { encodeSpansJson } from './span-json.ts';
import type { SpanBatch } from './spans.ts';

/** Prints spans to standard output, one line of OTLP JSON per batch. */
export class ConsoleSpansExporter implements SpansExporter {
  async export(batch: SpanBatch): Promise<ExportOutcome> {
    try {
      // In a server, the console is a file of the tree.
      console.log(encodeSpansJson(batch));
      return { status: 'accepted', rejectedPoints: 0 };
    } catch (error) {
      return outcomeOfEncodingError(error);
    }
  }

  async shutdown(): Promise<void> {}
}
