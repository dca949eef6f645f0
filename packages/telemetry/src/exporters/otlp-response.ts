import type { ExportOutcome } from './exporter.ts';
import { isRecord, parseJson } from './json.ts';
import type { OtlpSignal } from './otlp-signal.ts';
import type { OtlpResponse } from './otlp-transport.ts';
import { reasonOf, shorten } from './outcomes.ts';
import { protobufFields, utf8 } from './protobuf-fields.ts';

/**
 * What an OTLP response says of a request with `count` data points or spans: all taken, or some not. The backend has the
 * request, so a response that cannot be read is no reason to send it again.
 */
export function outcomeOfResponse(
  response: OtlpResponse,
  rejectedField: OtlpSignal<unknown>['rejectedField'],
  count: number,
): ExportOutcome {
  try {
    if (response.unreadable !== undefined) throw new Error(response.unreadable);
    const [rejected, errorMessage] = readPartialSuccess(response, rejectedField);
    if (!Number.isSafeInteger(rejected) || rejected < 0) throw new Error('a count out of range');
    const message = shorten(errorMessage);
    const rejectedPoints = Math.min(rejected, count);
    return { status: 'accepted', rejectedPoints, ...(message !== '' && { message }) };
  } catch (error) {
    const message = `accepted with an answer that cannot be read: ${reasonOf(error)}`;
    return { status: 'accepted', rejectedPoints: 0, message };
  }
}

function readPartialSuccess(
  { encoding, body }: OtlpResponse,
  rejectedField: string,
): [rejected: number, message: string] {
  if (body.length === 0) return [0, ''];
  if (encoding === 'protobuf') {
    // The responses of all signals have the same fields, whatever their names.
    const partial = new Map(protobufFields(body)).get(1);
    const fields = new Map(protobufFields(partial instanceof Uint8Array ? partial : Buffer.of()));
    const [rejected = 0, message] = [fields.get(1), fields.get(2)];
    return [Number(rejected), message instanceof Uint8Array ? utf8(message) : ''];
  }
  const parsed = parseJson(utf8(body));
  const partial = isRecord(parsed) ? parsed['partialSuccess'] : undefined;
  if (!isRecord(partial)) return [0, ''];
  const { [rejectedField]: rejected = 0, errorMessage } = partial;
  return [Number(rejected), typeof errorMessage === 'string' ? errorMessage : ''];
}
