import assert from 'node:assert/strict';
import { test } from 'node:test';

test('a thread that is suspended between its looks at two clocks does not move its time', async (t) => {
  let suspendedMillis = 0;
  const { now } = Date;
  t.after(() => void (Date.now = now));
  Date.now = () => {
    const millis = now() + suspendedMillis;
    suspendedMillis = 0;
    return millis;
  };
  const url = new URL('../../src/record/clock.js?suspended', import.meta.url).href;
  const { monotonic, wallTime } = (await import(url)) as typeof import('../../src/record/clock.ts');
  const instant = monotonic();
  const before = wallTime(...instant);
  suspendedMillis = 100;
  assert.deepEqual(wallTime(...instant), before);
  assert.equal(suspendedMillis, 0, 'it has looked at the clock');
});
