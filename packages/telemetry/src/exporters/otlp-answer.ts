import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { HttpAnswer } from './http-exchange.ts';
import { isRecord, parseJson } from './json.ts';
import type { OtlpAnswer } from './otlp-transport.ts';
import { MAX_RETRY_AFTER_MILLIS, outcomeOfStatus, shorten } from './outcomes.ts';

/** What an OTLP backend's answer over HTTP says about a request. */
export function answerOf(answer: HttpAnswer): OtlpAnswer {
  const status = outcomeOfStatus(answer.status);
  if (status === 'accepted') {
    const { body, incomplete } = answer;
    const encoding = isJson(answer) ? 'json' : 'protobuf';
    return { status, encoding, body, ...(incomplete !== undefined && { unreadable: incomplete }) };
  }
  const error = new Error(`HTTP status ${answer.status}${errorText(answer)}`);
  const afterMillis = status === 'retry' ? retryAfterMillis(answer) : undefined;
  return status === 'retry' && afterMillis !== undefined ? { status, error, afterMillis } : { status, error };
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
