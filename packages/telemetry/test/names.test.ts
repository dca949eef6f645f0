import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CounterName, GaugeName, METER_NAME, TREE_PREFIX, UNITS } from '../src/names.ts';

test('names and units are those of the original', () => {
  assert.equal(METER_NAME, 'multistorageclient');
  assert.deepEqual(UNITS, {
    'multistorageclient.latency': 's',
    'multistorageclient.data_size': 'By',
    'multistorageclient.data_rate': 'By/s',
    'multistorageclient.request.sum': '{request}',
    'multistorageclient.response.sum': '{response}',
    'multistorageclient.data_size.sum': 'By',
  });
  const names = [...Object.values(GaugeName), ...Object.values(CounterName)];
  assert.deepEqual(names.toSorted(), Object.keys(UNITS).toSorted());
  assert.ok(names.every((name) => name.startsWith(TREE_PREFIX)));
});
