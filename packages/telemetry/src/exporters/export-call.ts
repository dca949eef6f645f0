/**
 * One call of an exporter that was written for OpenTelemetry's SDK, for metrics and for spans.
 *
 * In: a function that begins the export. Out: how it ended, as an outcome that pipelines know.
 * Invariant: the first end counts, of throwing, rejecting and calling back; what the exporter itself does is not traced.
 * On failure: `retry`, unless the error has a code or status that is final, or `retryable: false`.
 */
import { context } from '@opentelemetry/api';
import { ExportResultCode, suppressTracing, type ExportResult } from '@opentelemetry/core';
import { withDeadline } from './deadline.ts';
import type { ExportOutcome } from './exporter.ts';
import { isRecord } from './json.ts';
import { outcomeOfStatus, reasonOf } from './outcomes.ts';

const SHUTDOWN_TIMEOUT_MILLIS = 5000;
/** gRPC exporters put gRPC's own codes where the others put HTTP's. */
const GRPC_INVALID_ARGUMENT = 3;

/** How one call of an exporter of the SDK's kind ended; `error` is for all but `accepted`. */
export interface CallOutcome {
  readonly status: ExportOutcome['status'];
  readonly error: Error;
}

/**
 * Calls an exporter of the SDK's kind. Throwing, rejecting and calling back all end the call; the first of them counts.
 * An exporter that does none of these never settles: callers set a deadline.
 *
 * @param start begins the export; may return a promise where `export` is an async function.
 */
export async function callExporter(
  name: string,
  start: (done: (result: ExportResult | undefined) => void) => unknown,
): Promise<CallOutcome> {
  const { promise, resolve } = Promise.withResolvers<ExportResult>();
  const fail = (cause: unknown): void => {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    resolve({ code: ExportResultCode.FAILED, error });
  };
  context.with(suppressTracing(context.active()), () => {
    try {
      const returned = start((result) =>
        result === undefined ? fail('called back without a result') : resolve(result),
      );
      if (returned instanceof Promise) returned.catch(fail);
    } catch (cause) {
      fail(cause);
    }
  });
  const result = await promise;
  const reason = result.error === undefined ? 'failed without saying why' : reasonOf(result.error);
  const error = new Error(`${name}: ${reason}`, { cause: result.error });
  return { status: outcomeOfResult(result), error };
}

/** Failures are temporary unless the error says otherwise, in one of the ways in use. */
function outcomeOfResult({ code, error }: ExportResult): ExportOutcome['status'] {
  if (code === ExportResultCode.SUCCESS) return 'accepted';
  if (!isRecord(error)) return 'retry';
  for (const status of [error['code'], error['status'], error['statusCode']]) {
    if (status === GRPC_INVALID_ARGUMENT) return 'rejected';
    if (typeof status === 'number' && status >= 400 && status < 500) return outcomeOfStatus(status);
  }
  return error['retryable'] === false ? 'rejected' : 'retry';
}

/** Flushes and shuts down, within 5 s. Failures at the end change nothing any more: every batch has had its outcome. */
export async function shutdownExporter(exporter: {
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}): Promise<void> {
  const flushAndShutdown = async (): Promise<void> => {
    try {
      await exporter.forceFlush?.();
    } finally {
      await exporter.shutdown();
    }
  };
  await withDeadline(SHUTDOWN_TIMEOUT_MILLIS, flushAndShutdown).catch(() => undefined);
}

/** Whether a value has the methods of an exporter. */
export function hasMethods(value: unknown, methods: readonly string[]): boolean {
  return isRecord(value) && methods.every((name) => typeof value[name] === 'function');
}
