import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IdentityJob } from '../support/programs/seed/identity.ts';
import { run } from './stage.ts';

test('one Telemetry for each process and address', async (t) => {
  const { said } = await run(t, 'seed/identity', (_sink, { directory }): IdentityJob => ({ directory }));
  assert.deepEqual(said, [
    {
      isSameForSameAddress: true,
      isOtherForOtherAddress: true,
      isSameForLocal: true,
      isOtherForLocal: true,
    },
  ]);
});
