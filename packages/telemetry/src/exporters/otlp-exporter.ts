/**
 * Sends batches of any signal to an OTLP backend: encode, compress, send, read the answer.
 *
 * In: a batch. Out: an outcome, within the deadline. What a signal's batches look like is the signal's affair, how bytes
 * get there the transport's. Invariant: the same batch gives the same bytes; it is encoded once, however often it is sent.
 * On failure: an outcome too; it never throws, and its messages hold no secrets.
 */
import { withDeadline } from './deadline.ts';
import type { BatchExporter, ExportOutcome } from './exporter.ts';
import type { OtlpConfig } from './otlp-config.ts';
import { outcomeOfResponse } from './otlp-response.ts';
import type { OtlpSignal } from './otlp-signal.ts';
import { NoAnswerError, type OtlpTransport } from './otlp-transport.ts';
import { outcomeOfEncodingError, reasonOf } from './outcomes.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import { withoutTracing } from './without-tracing.ts';

/** Batches that are encoded and not settled: one on its way, and one behind it. */
const MAX_PREPARED = 2;
/** Larger buffers are not kept. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024;

/** A batch that is encoded, or what became of it instead. */
type Encoded = { readonly failure: ExportOutcome } | EncodedRequest;

interface EncodedRequest {
  body: Promise<Uint8Array>;
  /** In whose buffer the body lies, until it is compressed. */
  writer: ProtobufWriter | undefined;
  tries: number;
}

export class OtlpExporter<Batch> implements BatchExporter<Batch> {
  readonly #signal: OtlpSignal<Batch>;
  readonly #timeoutMillis: number;
  readonly #transport: OtlpTransport;
  readonly #encoded = new Map<Batch, Encoded>();
  /** Their memory is there already: pages of a new buffer cost more than what is written into them. */
  readonly #writers: ProtobufWriter[] = [];
  readonly #sending = new Set<Promise<ExportOutcome>>();
  #shutdown: Promise<void> | undefined;

  constructor(signal: OtlpSignal<Batch>, { timeoutMillis }: OtlpConfig, transport: OtlpTransport) {
    this.#signal = signal;
    this.#timeoutMillis = timeoutMillis;
    this.#transport = transport;
  }

  prepare(batch: Batch): void {
    if (this.#shutdown === undefined && this.#encoded.size < MAX_PREPARED) this.#encodedOnce(batch);
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
    const encoded = this.#encodedOnce(batch);
    const outcome =
      'failure' in encoded
        ? encoded.failure
        : await this.#send(encoded, this.#signal.count(batch), timeoutMillis);
    if (outcome.status !== 'retry') this.#encoded.delete(batch);
    return outcome;
  }

  #encodedOnce(batch: Batch): Encoded {
    const known = this.#encoded.get(batch);
    if (known !== undefined) return known;
    const encoded = this.#encode(batch);
    this.#encoded.set(batch, encoded);
    if ('body' in encoded) {
      // Whoever sends it meets the failure, and the next try begins anew.
      encoded.body.catch(() => this.#encoded.delete(batch));
    }
    return encoded;
  }

  #encode(batch: Batch): Encoded {
    const { encoding, maxRequestBytes } = this.#transport;
    const isJson = encoding === 'json';
    const writer = isJson ? undefined : (this.#writers.pop() ?? new ProtobufWriter());
    let payload: Uint8Array;
    try {
      payload =
        writer === undefined
          ? Buffer.from(this.#signal.encodeJson(batch))
          : this.#signal.encodeProtobuf(batch, writer);
    } catch (error) {
      return { failure: outcomeOfEncodingError(error) };
    }
    if (payload.length > maxRequestBytes && this.#signal.count(batch) > 1) {
      const error = this.#error(`is not asked to take ${payload.length} bytes, over ${maxRequestBytes}`);
      return { failure: { status: 'too-large', error } };
    }
    const request = { body: this.#transport.compress(payload, writer?.repeats ?? []), writer, tries: 0 };
    request.body = request.body.then((body) => {
      if (body !== payload) this.#release(request);
      return body;
    });
    return request;
  }

  async #send(request: EncodedRequest, count: number, timeoutMillis: number): Promise<ExportOutcome> {
    const isFirst = request.tries++ === 0;
    try {
      const answer = await withoutTracing(() =>
        withDeadline(timeoutMillis, async (signal) => this.#transport.send(await request.body, signal)),
      );
      if (answer.status !== 'accepted') {
        return { ...answer, error: this.#error(answer.error.message, answer.error.cause) };
      }
      // Nothing reads the body any more: neither this connection nor that of an earlier try.
      if (isFirst && answer.isSending !== true) this.#release(request);
      return outcomeOfResponse(answer, this.#signal.rejectedField, count);
    } catch (error) {
      const unanswered = error instanceof NoAnswerError && error.sent;
      return {
        status: 'retry',
        error: this.#error(reasonOf(error), error),
        ...(unanswered && { unanswered }),
      };
    }
  }

  /** Keeps the buffer of a request for another one. */
  #release(request: EncodedRequest): void {
    const { writer } = request;
    request.writer = undefined;
    const isKept =
      this.#writers.length < MAX_PREPARED && writer !== undefined && writer.size <= MAX_KEPT_BYTES;
    if (isKept) this.#writers.push(writer);
  }

  #error(what: string, cause?: unknown): Error {
    return new Error(`${this.#transport.where}: ${what}`, cause === undefined ? undefined : { cause });
  }

  shutdown(): Promise<void> {
    this.#encoded.clear();
    this.#shutdown ??= Promise.all(this.#sending).then(() => this.#transport.close());
    return this.#shutdown;
  }
}
