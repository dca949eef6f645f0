import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { ExportOutcome } from './exporter.ts';
import { isRecord, parseJson } from './json.ts';
import type { HttpAnswer } from './otlp-transport.ts';
import { outcomeOfStatus, reasonOf } from './outcomes.ts';

/** However long a backend asks to wait, it is asked again after this. */
const MAX_RETRY_AFTER_MILLIS = 60 * 60 * 1000;
const MAX_MESSAGE_LENGTH = 300;

interface PartialSuccess {
  readonly rejectedDataPoints?: unknown;
  readonly errorMessage?: unknown;
}

/** What an OTLP backend's answer says about a request that carried `points` data points. */
export function outcomeOfAnswer(answer: HttpAnswer, points: number): ExportOutcome {
  const status = outcomeOfStatus(answer.status);
  if (status === 'accepted') return acceptedOutcome(answer, points);
  const error = new Error(`HTTP status ${answer.status}${errorText(answer)}`);
  const afterMillis = status === 'retry' ? retryAfterMillis(answer) : undefined;
  return status === 'retry' && afterMillis !== undefined ? { status, error, afterMillis } : { status, error };
}

/** The backend has the request, so an answer that cannot be read is no reason to send it again. */
function acceptedOutcome(answer: HttpAnswer, points: number): ExportOutcome {
  try {
    if (answer.incomplete !== undefined) throw new Error(answer.incomplete);
    const { rejectedDataPoints = 0, errorMessage } = readPartialSuccess(answer);
    const rejected = Number(rejectedDataPoints);
    if (!Number.isSafeInteger(rejected) || rejected < 0) throw new Error('a count out of range');
    const message = typeof errorMessage === 'string' ? shorten(errorMessage) : '';
    const rejectedPoints = Math.min(rejected, points);
    return message === ''
      ? { status: 'accepted', rejectedPoints }
      : { status: 'accepted', rejectedPoints, message };
  } catch (error) {
    const message = `HTTP status ${answer.status} with an answer that cannot be read: ${reasonOf(error)}`;
    return { status: 'accepted', rejectedPoints: 0, message };
  }
}

function readPartialSuccess(answer: HttpAnswer): PartialSuccess {
  if (answer.body.length === 0) return {};
  if (!isJson(answer)) return ProtobufMetricsSerializer.deserializeResponse(answer.body).partialSuccess ?? {};
  const parsed = parseJson(textOf(answer));
  const partial = isRecord(parsed) ? parsed['partialSuccess'] : undefined;
  return isRecord(partial) ? partial : {};
}

/** The backend's own words: a `google.rpc.Status`, or text. */
function errorText(answer: HttpAnswer): string {
  const text = shorten(statusMessage(answer) ?? textOf(answer));
  return text === '' ? '' : `: ${text}`;
}

function statusMessage(answer: HttpAnswer): string | undefined {
  try {
    if (isJson(answer)) {
      const parsed = parseJson(textOf(answer));
      const message = isRecord(parsed) ? parsed['message'] : undefined;
      return typeof message === 'string' ? message : undefined;
    }
    if (!answer.headers['content-type']?.startsWith('application/x-protobuf')) return undefined;
    // Status and ExportMetricsPartialSuccess have the same fields, an integer 1 and a string 2: as the latter, inside
    // field 1 of a response, the one decoder reads both.
    const length = answer.body.length;
    const prefix = [0x0a, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];
    const response = Buffer.concat([Buffer.from(prefix), answer.body]);
    return ProtobufMetricsSerializer.deserializeResponse(response).partialSuccess?.errorMessage ?? '';
  } catch {
    return undefined;
  }
}

/** Seconds or an HTTP date; a date is compared with the backend's own clock where it tells it. */
function retryAfterMillis({ headers }: HttpAnswer): number | undefined {
  const value = headers['retry-after']?.trim();
  // `Date.parse` finds a date in almost anything.
  if (value === undefined || !/^\d+$|GMT$/.test(value)) return undefined;
  const sent = Date.parse(headers.date ?? '');
  const millis = /^\d+$/.test(value)
    ? Number(value) * 1000
    : Date.parse(value) - (Number.isNaN(sent) ? Date.now() : sent);
  return Number.isNaN(millis) ? undefined : Math.min(Math.max(millis, 0), MAX_RETRY_AFTER_MILLIS);
}

function isJson({ headers }: HttpAnswer): boolean {
  return headers['content-type']?.startsWith('application/json') ?? false;
}

function textOf({ body }: HttpAnswer): string {
  return Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8');
}

/** One line, without control characters: it goes into a log. */
function shorten(text: string): string {
  return text
    .slice(0, MAX_MESSAGE_LENGTH * 4)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_MESSAGE_LENGTH);
}
