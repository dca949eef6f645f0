import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { suite, test } from 'node:test';
import { answerOf } from '../../src/exporters/otlp-answer.ts';
import type { OtlpAnswer } from '../../src/exporters/otlp-transport.ts';

const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

function outcomeOf(
  status: number,
  body: Uint8Array | string = '',
  headers: IncomingHttpHeaders = PROTOBUF,
): OtlpAnswer {
  return answerOf({ status, headers, body: Buffer.from(body) });
}

suite('answers of an OTLP backend', () => {
  test('every status has its outcome', () => {
    const expected: Record<string, readonly number[]> = {
      accepted: [200, 202, 204],
      retry: [302, 401, 403, 404, 408, 429, 500, 502, 503, 504, 599],
      'too-large': [413],
      rejected: [400, 405, 411, 415, 422, 431],
    };
    for (const [outcome, statuses] of Object.entries(expected)) {
      for (const status of statuses) assert.equal(outcomeOf(status).status, outcome, String(status));
    }
  });

  test('what was accepted hands on its response, however it is encoded', () => {
    const body = Buffer.from('{}');
    assert.deepEqual(outcomeOf(200, body), { status: 'accepted', encoding: 'protobuf', body });
    assert.deepEqual(outcomeOf(200, body, JSON_TYPE), { status: 'accepted', encoding: 'json', body });
    assert.deepEqual(answerOf({ status: 200, headers: PROTOBUF, body, incomplete: 'reset' }), {
      status: 'accepted',
      encoding: 'protobuf',
      body,
      unreadable: 'reset',
    });
  });

  test("errors carry the backend's words on one line", () => {
    const long = 'quota of the tenant is used up: '.repeat(20);
    // google.rpc.Status: a code, and a message whose length takes two bytes.
    const message = Buffer.from(long.slice(0, 200));
    const status = Buffer.concat([Buffer.of(8, 8, 0x12, 0xc8, 0x01), message]);
    const answers: [OtlpAnswer, string][] = [
      [outcomeOf(400, status), `HTTP status 400: ${message.toString().trim()}`],
      [outcomeOf(400, '{"code":3,"message":"bad name"}', JSON_TYPE), 'HTTP status 400: bad name'],
      [outcomeOf(400, ' no\r\n\u001b[31mgood ', {}), 'HTTP status 400: no [31mgood'],
      [outcomeOf(503, long, {}), `HTTP status 503: ${long.slice(0, 300)}`],
      [outcomeOf(413), 'HTTP status 413'],
    ];
    for (const [outcome, text] of answers) {
      assert.ok(outcome.status !== 'accepted');
      assert.equal(outcome.error.message, text);
    }
  });

  test('Retry-After in seconds, as a date, and out of range', () => {
    const date = 'Tue, 14 Nov 2023 22:13:20 GMT';
    const cases: [IncomingHttpHeaders, number | undefined][] = [
      [{ 'retry-after': '7' }, 7000],
      [{ 'retry-after': '0' }, 0],
      [{ 'retry-after': 'Tue, 14 Nov 2023 22:13:50 GMT', date }, 30_000],
      [{ 'retry-after': 'Tue, 14 Nov 2023 22:13:10 GMT', date }, 0],
      [{ 'retry-after': 'Tue, 14 Nov 2023 22:13:10 GMT' }, 0],
      [{ 'retry-after': '99999999999' }, 3_600_000],
      [{ 'retry-after': 'soon' }, undefined],
      [{ 'retry-after': '-5' }, undefined],
      [{}, undefined],
    ];
    for (const [headers, expected] of cases) {
      const outcome = outcomeOf(503, '', headers);
      assert.ok(outcome.status === 'retry');
      assert.equal(outcome.afterMillis, expected, JSON.stringify(headers));
    }
  });

  test('only what is to be retried has a time to wait', () => {
    assert.ok(!('afterMillis' in outcomeOf(400, '', { 'retry-after': '7' })));
  });
});
