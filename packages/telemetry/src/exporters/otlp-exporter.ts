/**
 * Sends batches of any signal to an OTLP backend: encode, send, read the answer.
 *
 * In: a batch. Out: an outcome, within the deadline. What a signal's batches look like is the signal's affair, how bytes
 * get there the transport's. Invariant: the same batch gives the same bytes.
 * On failure: an outcome too; it never throws, and its messages hold no secrets.
 */
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { withDeadline } from './deadline.ts';
import type { BatchExporter, ExportOutcome } from './exporter.ts';
import type { OtlpConfig } from './otlp-config.ts';
import { outcomeOfResponse } from './otlp-response.ts';
import type { OtlpSignal } from './otlp-signal.ts';
import { NoAnswerError, type OtlpTransport } from './otlp-transport.ts';
import { outcomeOfEncodingError, reasonOf } from './outcomes.ts';

export class OtlpExporter<Batch> implements BatchExporter<Batch> {
  readonly #signal: OtlpSignal<Batch>;
  readonly #timeoutMillis: number;
  readonly #transport: OtlpTransport;
  readonly #sending = new Set<Promise<ExportOutcome>>();
  #shutdown: Promise<void> | undefined;

  constructor(signal: OtlpSignal<Batch>, { timeoutMillis }: OtlpConfig, transport: OtlpTransport) {
    this.#signal = signal;
    this.#timeoutMillis = timeoutMillis;
    this.#transport = transport;
  }

  async export(batch: Batch, timeoutMillis: number): Promise<ExportOutcome> {
    if (this.#shutdown !== undefined) return { status: 'retry', error: this.#error('is shut down') };
    const sending = this.#export(batch, Math.min(timeoutMillis, this.#timeoutMillis));
    this.#sending.add(sending);
    const outcome = await sending;
    this.#sending.delete(sending);
    return outcome;
  }

  async #export(batch: Batch, timeoutMillis: number): Promise<ExportOutcome> {
    const { encoding, maxRequestBytes } = this.#transport;
    const count = this.#signal.count(batch);
    let payload: Uint8Array;
    try {
      payload =
        encoding === 'json'
          ? Buffer.from(this.#signal.encodeJson(batch))
          : this.#signal.encodeProtobuf(batch);
    } catch (error) {
      return outcomeOfEncodingError(error);
    }
    if (payload.length > maxRequestBytes && count > 1) {
      const error = this.#error(`is not asked to take ${payload.length} bytes, over ${maxRequestBytes}`);
      return { status: 'too-large', error };
    }
    try {
      const answer = await context.with(suppressTracing(context.active()), () =>
        withDeadline(timeoutMillis, (signal) => this.#transport.send(payload, signal)),
      );
      return answer.status === 'accepted'
        ? outcomeOfResponse(answer, this.#signal.rejectedField, count)
        : { ...answer, error: this.#error(answer.error.message, answer.error.cause) };
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
    return new Error(`${this.#transport.where}: ${what}`, cause === undefined ? undefined : { cause });
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= Promise.all(this.#sending).then(() => this.#transport.close());
    return this.#shutdown;
  }
}
