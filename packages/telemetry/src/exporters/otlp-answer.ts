import type { HttpAnswer } from './http-exchange.ts';
import { isRecord, parseJson } from './json.ts';
import type { OtlpAnswer } from './otlp-transport.ts';
import { MAX_RETRY_AFTER_MILLIS, outcomeOfStatus, shorten } from './outcomes.ts';
import { protobufFields, utf8 } from './protobuf-fields.ts';

/** What an OTLP backend's answer over HTTP says about a request. */
export function answerOf(answer: HttpAnswer): OtlpAnswer {
  const status = outcomeOfStatus(answer.status);
  if (status === 'accepted') {
    const { body, incomplete, isSending } = answer;
    const encoding = isJson(answer) ? 'json' : 'protobuf';
    return {
      status,
      encoding,
      body,
      ...(incomplete !== undefined && { unreadable: incomplete }),
      ...(isSending && { isSending }),
    };
  }
  const error = new Error(`HTTP status ${answer.status}${errorText(answer)}`);
  const afterMillis = status === 'retry' ? retryAfterMillis(answer) : undefined;
  return status === 'retry' && afterMillis !== undefined ? { status, error, afterMillis } : { status, error };
}

/** The backend's own words: a `google.rpc.Status`, or text. */
function errorText(answer: HttpAnswer): string {
  const text = shorten(statusMessage(answer) ?? utf8(answer.body));
  return text === '' ? '' : `: ${text}`;
}

function statusMessage(answer: HttpAnswer): string | undefined {
  try {
    if (isJson(answer)) {
      const parsed = parseJson(utf8(answer.body));
      const message = isRecord(parsed) ? parsed['message'] : undefined;
      return typeof message === 'string' ? message : undefined;
    }
    if (!answer.headers['content-type']?.startsWith('application/x-protobuf')) return undefined;
    // Field 2 of a Status is its message.
    const message = new Map(protobufFields(answer.body)).get(2);
    return message instanceof Uint8Array ? utf8(message) : '';
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
