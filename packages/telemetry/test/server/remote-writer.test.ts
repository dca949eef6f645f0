import assert from 'node:assert/strict';
import path from 'node:path';
import { suite, test } from 'node:test';
import { writeRemote, type RemoteRecord } from '../../src/journal/remote.ts';
import { Collection } from '../../src/server/collection.ts';
import { deadProcess, type Writer } from './journals.ts';
import { Stage, T0 } from './stage.ts';

const OPEN: RemoteRecord = { state: 'open', sequence: 0, endedAtMillis: 0, atMillis: 0, isForgotten: false };

function record(writer: Writer): void {
  writer.samples(T0, [writer.metric('gauge', 'value'), 1]);
}

suite('a writer on the other side of a link', () => {
  for (const how of ['whose process is none here', 'that said goodbye', 'that was rescued'] as const) {
    test(`${how} lives as long as its record says so`, (t) => {
      const stage = new Stage(t);
      const local = stage.writer({ process: deadProcess() });
      const writer = stage.writer({ process: deadProcess() });
      writeRemote(stage.directory, writer.id, OPEN);
      for (const one of [writer, local]) {
        record(one);
        if (how === 'that said goodbye') one.goodbye();
        if (how === 'that was rescued') one.rescue(1);
      }
      const [here, there] = [stage.open(local.id), stage.open(writer.id)];
      assert.ok(here !== undefined && there !== undefined);
      assert.deepEqual([here.liveness, there.liveness], ['dead', 'unknown']);
      const collection = new Collection(undefined);
      const collect = (): Record<string, boolean> => {
        for (const journal of [here, there]) journal.checkWriter();
        return Object.fromEntries(collection.collect().map(({ range }) => [range.journal, range.ends]));
      };
      for (const journal of [here, there]) collection.add(journal);
      assert.deepEqual(collect(), { [here.id]: true, [there.id]: false });
      here.ended = true;
      collection.retire();
      assert.deepEqual(collect(), {});
      writeRemote(stage.directory, writer.id, { ...OPEN, state: 'ended', endedAtMillis: 77 });
      assert.deepEqual(collect(), { [there.id]: true });
      assert.deepEqual([there.liveness, there.endedAtMillis], ['dead', 77]);
      assert.equal(path.basename(writer.directory), there.id);
      for (const journal of [here, there]) journal.reader.close();
    });
  }
});
