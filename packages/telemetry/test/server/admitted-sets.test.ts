import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AdmittedSets } from '../../src/server/admitted-sets.ts';

test('the first sets are admitted, as many as there is room for, and stay so over restarts', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string(), fc.boolean())),
      fc.integer({ min: 1, max: 8 }),
      (steps, limit) => {
        let sets = new AdmittedSets();
        const expected = new Set<string>();
        for (const [attributes, isRestarted] of steps) {
          if (isRestarted) sets = new AdmittedSets(JSON.parse(JSON.stringify(sets.state)) as string);
          if (expected.size < limit - 1) expected.add(attributes);
          assert.equal(sets.admits(attributes, limit), expected.has(attributes));
        }
        assert.equal(sets.state.length, 11 * expected.size);
      },
    ),
  );
});
