import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ExportOutcome } from '../../src/exporters/exporter.ts';
import { outcomeOfResponse } from '../../src/exporters/otlp-response.ts';
import type { OtlpEncoding, OtlpResponse } from '../../src/exporters/otlp-transport.ts';
import { field } from './protobuf.ts';

const REJECTED = ['rejectedDataPoints', 'rejectedSpans'] as const;

function outcomeOf(
  body: Uint8Array | string,
  encoding: OtlpEncoding = 'protobuf',
  over: Partial<OtlpResponse> = {},
): ExportOutcome {
  return outcomeOfResponse(
    { status: 'accepted', encoding, body: Buffer.from(body), ...over },
    REJECTED[0],
    10,
  );
}

function partialSuccess(rejected: readonly number[], message: string): Buffer {
  return field(1, Buffer.concat([Buffer.of(8, ...rejected), field(2, message)]));
}

suite('responses of an OTLP backend', () => {
  test('a partial success says how many points or spans were rejected, and why', () => {
    const expected = { status: 'accepted', rejectedPoints: 3, message: 'too old' };
    for (const rejected of REJECTED) {
      const json = `{"partialSuccess":{"${rejected}":"3","errorMessage":"too old"}}`;
      const bodies = { protobuf: partialSuccess([3], 'too old'), json: Buffer.from(json) };
      for (const encoding of ['protobuf', 'json'] as const) {
        const response: OtlpResponse = { status: 'accepted', encoding, body: bodies[encoding] };
        assert.deepEqual(outcomeOfResponse(response, rejected, 10), expected);
      }
    }
  });

  test('a warning rejects nothing, an empty partial success says nothing', () => {
    const warning = { status: 'accepted', rejectedPoints: 0, message: 'careful' };
    assert.deepEqual(outcomeOf(partialSuccess([0], 'careful')), warning);
    for (const nothing of [
      outcomeOf(''),
      outcomeOf(field(1, '')),
      outcomeOf('{}', 'json'),
      outcomeOf('[]', 'json'),
    ]) {
      assert.deepEqual(nothing, { status: 'accepted', rejectedPoints: 0 });
    }
  });

  test('more rejected points than were sent are all that were sent', () => {
    const outcome = outcomeOf(partialSuccess([0xe8, 0x07], 'no'));
    assert.deepEqual(outcome, { status: 'accepted', rejectedPoints: 10, message: 'no' });
  });

  test('a response that cannot be read is accepted, and said', () => {
    const negative = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    const outcomes = [
      outcomeOf('<html>ok</html>'),
      outcomeOf(partialSuccess([3], 'too old').subarray(0, 5)),
      outcomeOf(partialSuccess(negative, '')),
      outcomeOf('{"partialSuccess":', 'json'),
      outcomeOf('{"partialSuccess":{"rejectedDataPoints":"many"}}', 'json'),
      outcomeOf('', 'protobuf', { unreadable: 'reset' }),
    ];
    for (const outcome of outcomes) {
      assert.ok(outcome.status === 'accepted');
      assert.equal(outcome.rejectedPoints, 0);
      assert.match(outcome.message ?? '', /^accepted with an answer that cannot be read: ./);
    }
  });
});
