import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { ResamplingConfig } from '../../src/config/signals.ts';
import { resamplingOf } from '../../src/resample/policy.ts';

const config: ResamplingConfig = {
  type: 'last_value',
  instruments: [
    { name: 'multistorageclient.data_*', type: 'decimation', factor: 7 },
    { name: '*.LATENCY', type: 'exponential_histogram', maxBuckets: 160, maxScale: 20 },
    { name: 'multistorageclient.data_size', type: 'none' },
    { name: 'queue.?', type: 'none' },
  ],
};
const typeOf = (name: string): string => resamplingOf(config, name).type;

suite('the resampling of an instrument', () => {
  test('is that of the first entry whose name fits, in whatever case', () => {
    assert.equal(typeOf('multistorageclient.data_size'), 'decimation');
    assert.equal(typeOf('MultiStorageClient.Data_Rate'), 'decimation');
    assert.equal(typeOf('multistorageclient.latency'), 'exponential_histogram');
    assert.equal(typeOf('queue.7'), 'none');
  });

  test('is the general one where none fits, or there are none', () => {
    for (const name of [
      'queue.17',
      'queue.',
      'latency',
      'xmultistorageclient.data_size',
      'multistorageclientxdata_',
    ]) {
      assert.deepEqual(resamplingOf(config, name), { type: 'last_value' }, name);
    }
    assert.deepEqual(resamplingOf({ type: 'decimation', factor: 3 }, 'any'), {
      type: 'decimation',
      factor: 3,
    });
  });

  test('a pattern fits what it was made from, whichever parts of it are wildcards, and is quick about it', () => {
    const part = fc.tuple(fc.string({ minLength: 1, maxLength: 4 }), fc.constantFrom('as it is', '*', '?'));
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const name = parts.map(([text]) => text).join('');
        const pattern = parts
          .map(([text, how]) => (how === 'as it is' ? text : how === '*' ? '*' : '?'.repeat(text.length)))
          .join('');
        const instruments = [{ name: pattern, type: 'none' as const }];
        assert.equal(resamplingOf({ type: 'last_value', instruments }, name).type, 'none');
        const longer = [{ name: `${pattern}?`, type: 'none' as const }];
        if (!pattern.includes('*')) {
          assert.equal(resamplingOf({ type: 'last_value', instruments: longer }, name).type, 'last_value');
        }
      }),
    );
    const hostile = [{ name: `${'*a'.repeat(2000)}b`, type: 'none' as const }];
    assert.equal(
      resamplingOf({ type: 'last_value', instruments: hostile }, 'a'.repeat(5000)).type,
      'last_value',
    );
  });
});
