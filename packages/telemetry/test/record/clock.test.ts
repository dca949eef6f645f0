import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { monotonic, wallTime } from '../../src/record/clock.ts';

const SECOND = 1_000_000_000n;
const nanosOf = ([seconds, nanos]: readonly [number, number]): bigint =>
  BigInt(seconds) * SECOND + BigInt(nanos);

describe('wall time', () => {
  test('of two instants is as far apart as they are on the monotonic clock, to the nanosecond', () => {
    const [seconds, nanos] = monotonic();
    const reference = nanosOf(wallTime(seconds, nanos));
    const apart = fc.record({ seconds: fc.nat(100_000), nanos: fc.integer({ min: 0, max: 999_999_999 }) });
    fc.assert(
      fc.property(apart, (later) => {
        const at: [number, number] = [seconds + later.seconds, later.nanos];
        const wall = wallTime(...at);
        assert.ok(wall[1] >= 0 && wall[1] < 1e9 && Number.isInteger(wall[1]) && Number.isInteger(wall[0]));
        assert.equal(nanosOf(wall) - reference, nanosOf(at) - nanosOf([seconds, nanos]));
      }),
    );
  });

  test('is that of the system', () => {
    const wall = Number(nanosOf(wallTime(...monotonic())) / 1_000_000n);
    assert.ok(Math.abs(wall - Date.now()) < 1000);
  });

  test('does not follow a clock that a test has faked', (t) => {
    const before = nanosOf(wallTime(...monotonic()));
    t.mock.timers.enable({ apis: ['Date'], now: 0 });
    const after = nanosOf(wallTime(...monotonic()));
    assert.ok(after >= before);
  });

  test('moves with a step of the clock, and not with less', async (t) => {
    let stepMillis = 0;
    const { now } = Date;
    t.after(() => void (Date.now = now));
    Date.now = () => now() + stepMillis;
    // A clock of its own, which was loaded while the time could be changed.
    const url = new URL('../../src/record/clock.js?stepped', import.meta.url).href;
    const clock = (await import(url)) as typeof import('../../src/record/clock.ts');
    const [seconds, nanos] = monotonic();
    const before = nanosOf(clock.wallTime(seconds, nanos));
    stepMillis = 10;
    assert.equal(nanosOf(clock.wallTime(seconds, nanos)), before);
    for (const hour of [3_600_000, -3_600_000]) {
      stepMillis = hour;
      const millis = Number((nanosOf(clock.wallTime(seconds, nanos)) - before) / 1_000_000n);
      assert.ok(Math.abs(millis - hour) < 1000, `${millis}`);
    }
  });
});
