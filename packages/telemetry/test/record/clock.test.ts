import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { setTimeout } from 'node:timers/promises';
import { monotonic, wallTime } from '../../src/record/clock.ts';

type Clock = typeof import('../../src/record/clock.ts');

const SECOND = 1_000_000_000n;
const nanosOf = ([seconds, nanos]: readonly [number, number]): bigint =>
  BigInt(seconds) * SECOND + BigInt(nanos);

/** A clock of its own, loaded while `Date.now` can be moved. */
async function movable(t: TestContext): Promise<{ clock: Clock; move: (millis: number) => void }> {
  let movedMillis = 0;
  const { now } = Date;
  t.after(() => void (Date.now = now));
  Date.now = () => now() + movedMillis;
  const url = new URL(`../../src/record/clock.js?${t.name}`, import.meta.url).href;
  return { clock: (await import(url)) as Clock, move: (millis) => void (movedMillis = millis) };
}

/** Two instants are as far apart on the wall clock as on the monotonic one, to the nanosecond. */
function assertExact(clock: Clock): void {
  const [seconds] = monotonic();
  const reference = nanosOf(clock.wallTime(seconds, 0));
  const nanos = fc.integer({ min: 0, max: 999_999_999 });
  fc.assert(
    fc.property(fc.nat(100_000), nanos, (later, rest) => {
      const wall = clock.wallTime(seconds + later, rest);
      assert.ok(wall[1] >= 0 && wall[1] < 1e9 && Number.isInteger(wall[1]) && Number.isInteger(wall[0]));
      assert.equal(nanosOf(wall) - reference, BigInt(later) * SECOND + BigInt(rest));
    }),
  );
}

describe('wall time', () => {
  test('is exact to the nanosecond', () => assertExact({ monotonic, wallTime }));

  for (const millis of [0, 500, 999]) {
    test(`is exact to the nanosecond, ${millis} ms apart from the seconds of the monotonic clock`, async (t) => {
      const { clock, move } = await movable(t);
      // In the first half of a second of the monotonic clock: then the sum of both overflows, or it does not.
      while (monotonic()[1] > 400_000_000) {
        await setTimeout(10);
      }
      move(3_600_000 + millis - (Date.now() % 1000));
      assertExact(clock);
    });
  }

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
    const { clock, move } = await movable(t);
    const [seconds, nanos] = monotonic();
    const before = nanosOf(clock.wallTime(seconds, nanos));
    move(10);
    assert.equal(nanosOf(clock.wallTime(seconds, nanos)), before);
    for (const hour of [3_600_000, -3_600_000]) {
      move(hour);
      const millis = Number((nanosOf(clock.wallTime(seconds, nanos)) - before) / 1_000_000n);
      assert.ok(Math.abs(millis - hour) < 1000, `${millis}`);
    }
  });
});
