import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { answerOfStatus } from '../../src/exporters/grpc-status.ts';
import { field } from './protobuf.ts';

/** google.rpc.Status with a RetryInfo after another detail. */
function retryInfo(duration: Uint8Array): Buffer {
  const other = field(3, field(1, 'type.googleapis.com/google.rpc.DebugInfo'));
  const type = field(1, 'type.googleapis.com/google.rpc.RetryInfo');
  const info = field(3, Buffer.concat([type, field(2, field(1, duration))]));
  return Buffer.concat([Buffer.of(8, 8), field(2, 'slow'), other, info]);
}

suite('statuses of gRPC', () => {
  test('every status has its outcome', () => {
    const expected = {
      rejected: [
        status.INVALID_ARGUMENT,
        status.NOT_FOUND,
        status.ALREADY_EXISTS,
        status.FAILED_PRECONDITION,
      ],
      retry: [
        status.CANCELLED,
        status.UNKNOWN,
        status.DEADLINE_EXCEEDED,
        status.PERMISSION_DENIED,
        status.RESOURCE_EXHAUSTED,
        status.ABORTED,
        status.OUT_OF_RANGE,
        status.UNIMPLEMENTED,
        status.INTERNAL,
        status.UNAVAILABLE,
        status.DATA_LOSS,
        status.UNAUTHENTICATED,
      ],
    };
    for (const [outcome, codes] of Object.entries(expected)) {
      for (const code of codes) {
        const answer = answerOfStatus({ code, details: 'why' });
        assert.ok(answer.status === outcome);
        assert.equal(answer.error.message, `gRPC status ${status[code]}: why`);
        assert.ok(!('afterMillis' in answer));
      }
    }
    assert.equal(expected.rejected.length + expected.retry.length, 16);
    assert.equal(answerOfStatus({ code: 99, details: '' }).error.message, 'gRPC status 99');
  });

  test('a message that is too large is to be split, another exhausted resource waited for', () => {
    const words = {
      'too-large': ['grpc: received message larger than max (5 vs. 4)', 'Received message too large'],
      retry: ['quota', ''],
    };
    for (const [outcome, details] of Object.entries(words)) {
      for (const each of details) {
        assert.equal(answerOfStatus({ code: status.RESOURCE_EXHAUSTED, details: each }).status, outcome);
      }
    }
    assert.equal(answerOfStatus({ code: status.UNAVAILABLE, details: 'too large' }).status, 'retry');
  });

  test('a RetryInfo says how long to wait, within bounds', () => {
    const cases: [number[], number][] = [
      [[8, 7], 7000],
      [[8, 1, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01], 1500],
      [[], 0],
      [[8, 0xff, 0xff, 0xff, 0xff, 0x0f], 3_600_000],
    ];
    for (const [bytes, expected] of cases) {
      const statusDetails = retryInfo(Buffer.from(bytes));
      const answer = answerOfStatus({ code: status.RESOURCE_EXHAUSTED, details: 'too large', statusDetails });
      assert.ok(answer.status === 'retry');
      assert.equal(answer.afterMillis, expected);
      const rejected = answerOfStatus({ code: status.INVALID_ARGUMENT, details: '', statusDetails });
      assert.equal(rejected.status, 'rejected');
    }
  });

  test('whatever the details are, there is an outcome', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(60), (bytes, at) => {
        const whole = retryInfo(Buffer.of(8, 1));
        whole.set(bytes.subarray(0, whole.length - at), at);
        for (const statusDetails of [bytes, whole]) {
          const answer = answerOfStatus({ code: status.UNAVAILABLE, details: '', statusDetails });
          assert.ok(answer.status === 'retry');
          const { afterMillis = 0 } = answer;
          assert.ok(afterMillis >= 0 && afterMillis <= 3_600_000);
        }
      }),
    );
  });
});
