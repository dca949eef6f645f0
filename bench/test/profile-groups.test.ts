import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { groupOf, timeByGroup } from '../src/profile-groups.ts';

const node = (id: number, functionName: string, url: string, children: number[] = []): object => ({
  id,
  callFrame: { functionName, url },
  children,
});

const inProduct = (file: string): string | undefined =>
  groupOf('f', `file:///x/packages/telemetry/dist/src/${file}`);

suite('profile groups', () => {
  test('functions belong to the folders of the product, or to what of Node.js they are', () => {
    assert.deepEqual(
      [inProduct('record/recorder.js'), inProduct('server/ingest.js'), inProduct('telemetry.js')],
      ['record', 'server', 'record'],
    );
    assert.equal(groupOf('f', 'file:///x/bench/dist/src/writing.js'), 'the program itself');
    assert.equal(groupOf('writevGeneric', 'node:internal/stream_base_commons'), 'sockets and HTTP');
    assert.equal(groupOf('processImmediate', 'node:internal/timers'), 'event loop');
    assert.equal(groupOf('(garbage collector)', ''), 'garbage collection');
    assert.equal(groupOf('writev', ''), undefined);
  });

  test('built-in functions count for their callers, waiting for nobody', () => {
    const nodes = [
      node(1, '(root)', '', [2, 5]),
      node(2, 'write', 'node:net', [3]),
      node(3, 'writev', '', [4]),
      node(4, 'encode', 'file:///telemetry/dist/src/exporters/a.js'),
      node(5, '(idle)', ''),
    ];
    const profile = { nodes, samples: [2, 3, 4, 5, 3], timeDeltas: [1, 10, 5, 1000, 10] };
    assert.deepEqual(timeByGroup(profile as Parameters<typeof timeByGroup>[0]), [
      ['sockets and HTTP', 21],
      ['exporters', 5],
    ]);
  });
});
