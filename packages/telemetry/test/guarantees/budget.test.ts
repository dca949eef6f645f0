import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { journalsDirectory } from '../../src/journal/places.ts';
import { spillDirectoryFor } from '../../src/tree/trees.ts';
import { assertAccount, assertTotals, valuesOf } from '../support/arrivals.ts';
import { metricsTo, Scene } from '../support/scene.ts';

const KIB = 1024;

test('past the budget, samples are dropped and counted, and sums stay exact', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  await sink.down();
  const count = 100_000;
  const memoryMaxBytes = 256 * KIB;
  const spillMaxBytes = 512 * KIB;
  const init = { address: scene.directory, segmentMaxBytes: 64 * KIB, memoryMaxBytes, spillMaxBytes };
  const burst = { init, configs: [metricsTo(sink)], count, perTurn: 500, pauseMillis: 1, sums: true };
  const program = scene.start('member', { burst, end: 'stay' });
  await program.says('recorded');
  const [memory, disk] = [journalsDirectory(scene.directory), spillDirectoryFor(scene.directory)];
  while (program.said.at(-1)?.['recorded'] !== count) {
    const [inMemory, onDisk] = [segmentBytes(memory), segmentBytes(disk)];
    assert.ok(inMemory <= memoryMaxBytes, `${inMemory} bytes in memory`);
    assert.ok(onDisk <= spillMaxBytes, `${onDisk} bytes on disk`);
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
  assert.equal(sink.points.length, 0);

  await sink.up();
  program.proceed();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  const { length } = valuesOf(sink);
  assert.ok(length > 0 && length < count);
  assertTotals(sink, count);
  const dropped = { budget: count - length };
  assertAccount(status, { recorded: 3 * count, exported: length, merged: 2 * count, dropped });
  assert.deepEqual([segmentBytes(memory), segmentBytes(disk)], [0, 0]);
});

/** Bytes in all segments below a directory. */
function segmentBytes(directory: string): number {
  let bytes = 0;
  if (!existsSync(directory)) return bytes;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.name.endsWith('.segment')) {
      bytes += statSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
    }
  }
  return bytes;
}
