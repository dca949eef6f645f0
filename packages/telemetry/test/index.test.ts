import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as telemetry from '../src/index.ts';

test('the version is that of the package', () => {
  const file = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  assert.equal(telemetry.VERSION, version);
});

test('the package exports what its documentation names, and nothing by accident', () => {
  assert.deepEqual(Object.keys(telemetry).toSorted(), [
    'CounterName',
    'GaugeName',
    'TelemetryError',
    'TelemetryMode',
    'TelemetryServer',
    'VERSION',
    'init',
    'listTrees',
    'readTreeStatus',
  ]);
});
