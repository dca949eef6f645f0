import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { withDeadline } from './deadline.ts';
import type { MetricsExporter, ExportOutcome, PointBatch, Temporality } from './exporter.ts';
import { outcomeOfAnswer } from './otlp-answer.ts';
import type { OtlpConfig } from './otlp-config.ts';
import { encodeProtobuf } from './otlp-encode.ts';
import { NoAnswerError, OtlpTransport } from './otlp-transport.ts';
import { outcomeOfEncodingError, reasonOf } from './outcomes.ts';

/** The OpenTelemetry Collector refuses more by default, counted before compression. */
const MAX_REQUEST_BYTES = 20 * 1024 * 1024;

/** Sends batches to an OTLP backend over HTTP, as protobuf: encode, send, read the answer. */
export class OtlpHttpExporter implements MetricsExporter {
  readonly #config: OtlpConfig;
  readonly #transport: OtlpTransport;
  readonly #where: string;
  readonly #sending = new Set<Promise<ExportOutcome>>();
  #shutdown: Promise<void> | undefined;

  constructor(config: OtlpConfig) {
    this.#config = config;
    this.#transport = new OtlpTransport(config);
    // Without what may be secret: user, password and query.
    const { origin, pathname } = new URL(config.url);
    this.#where = origin + pathname;
  }

  temporality(kind: 'counter' | 'up_down_counter' | 'histogram'): Temporality {
    return kind === 'up_down_counter' || this.#config.temporality === 'cumulative' ? 'cumulative' : 'delta';
  }

  async export(batch: PointBatch, timeoutMillis: number): Promise<ExportOutcome> {
    if (this.#shutdown !== undefined) return { status: 'retry', error: this.#error('is shut down') };
    const sending = this.#export(batch, Math.min(timeoutMillis, this.#config.timeoutMillis));
    this.#sending.add(sending);
    const outcome = await sending;
    this.#sending.delete(sending);
    return outcome;
  }

  async #export(batch: PointBatch, timeoutMillis: number): Promise<ExportOutcome> {
    let payload: Uint8Array;
    try {
      payload = encodeProtobuf(batch);
    } catch (error) {
      return outcomeOfEncodingError(error);
    }
    if (payload.length > MAX_REQUEST_BYTES && batch.points > 1) {
      const error = this.#error(`is not asked to take ${payload.length} bytes, over ${MAX_REQUEST_BYTES}`);
      return { status: 'too-large', error };
    }
    try {
      const answer = await context.with(suppressTracing(context.active()), () =>
        withDeadline(timeoutMillis, (signal) => this.#transport.post(payload, signal)),
      );
      const outcome = outcomeOfAnswer(answer, batch.points);
      return outcome.status === 'accepted'
        ? outcome
        : { ...outcome, error: this.#error(outcome.error.message) };
    } catch (error) {
      const unanswered = error instanceof NoAnswerError && error.sent;
      return {
        status: 'retry',
        error: this.#error(reasonOf(error), error),
        ...(unanswered && { unanswered }),
      };
    }
  }

  #error(what: string, cause?: unknown): Error {
    return new Error(`${this.#where}: ${what}`, cause === undefined ? undefined : { cause });
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= Promise.all(this.#sending).then(() => this.#transport.close());
    return this.#shutdown;
  }
}
