import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Renewable, type Lease } from '../../src/exporters/renewable.ts';
import { until } from '../support/until.ts';

const HOUR = 3_600_000;

function lease(value: number, expiresInMillis = HOUR, renewInMillis = expiresInMillis): Lease<number> {
  const now = Date.now();
  return { value, expiresAtMillis: now + expiresInMillis, renewAtMillis: now + renewInMillis };
}

function renewable(
  t: TestContext,
  fetch: (former: number | undefined, call: number) => Promise<Lease<number>>,
  minIntervalMillis = 0,
): { values: Renewable<number>; formers: (number | undefined)[] } {
  const formers: (number | undefined)[] = [];
  const values = new Renewable<number>((former) => fetch(former, formers.push(former)), {
    minIntervalMillis,
  });
  t.after(() => values.close());
  return { values, formers };
}

suite('a value that expires', () => {
  test('is fetched once, however many ask', async (t) => {
    const { values, formers } = renewable(t, async (_, call) => lease(call));
    assert.deepEqual(await Promise.all([values.current(), values.current()]), [1, 1]);
    assert.equal(await values.current(), 1);
    assert.deepEqual(formers, [undefined]);
  });

  test('is renewed by a timer, and knows the former one', async (t) => {
    const { values, formers } = renewable(t, async (_, call) => lease(call, HOUR, call === 1 ? 5 : HOUR));
    assert.equal(await values.current(), 1);
    await until('renewal', () => formers.length === 2);
    assert.deepEqual(formers, [undefined, 1]);
    assert.equal(await values.current(), 2);
  });

  test('stays in use while its renewal hangs or fails, and is tried again', async (t) => {
    const { values, formers } = renewable(t, async (_, call) => {
      if (call === 2) throw new Error('away');
      if (call === 3) return await new Promise(() => undefined);
      return lease(call, HOUR, 0);
    });
    assert.equal(await values.current(), 1);
    await until('third fetch', () => formers.length === 3);
    assert.equal(await values.current(), 1);
    assert.equal(formers.length, 3, 'one at a time');
  });

  test('gives way to an error once it has expired', async (t) => {
    let isAway = false;
    const { values } = renewable(t, async (_, call) => {
      if (isAway) throw new Error('away');
      return lease(call, 5);
    });
    assert.equal(await values.current(), 1);
    isAway = true;
    await until('its end', () =>
      values.current().then(
        () => false,
        (error: Error) => error.message === 'away',
      ),
    );
    isAway = false;
    assert.ok((await values.current()) > 1);
  });

  test('is not renewed more often than every interval, and not after its end', async (t) => {
    const { values, formers } = renewable(t, async (_, call) => lease(call, HOUR, 0), HOUR);
    assert.equal(await values.current(), 1);
    values.renew();
    assert.equal(await values.current(), 1);
    assert.equal(formers.length, 1);
    const others = renewable(t, async (_, call) => lease(call));
    await others.values.current();
    others.values.close();
    others.values.renew();
    assert.equal(others.formers.length, 1);
  });

  test('a renewal that is asked for happens', async (t) => {
    const { values, formers } = renewable(t, async (_, call) => lease(call));
    await values.current();
    values.renew();
    await until('its use', async () => (await values.current()) === 2);
    assert.deepEqual(formers, [undefined, 1]);
  });
});
