import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { Dictionary } from '../../src/journal/dictionary.ts';
import { encodeFrame, encodeFrames, encodeJsonFrame, FrameType } from '../../src/journal/frame.ts';
import { journalPlaces } from '../../src/journal/places.ts';
import { FIRST } from '../../src/journal/chunk.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { readRemote } from '../../src/journal/remote.ts';
import { Refusal } from '../../src/link/messages.ts';
import { Refused } from '../../src/link/remote-journal.ts';
import { RemoteJournals } from '../../src/link/remote-journals.ts';
import { ensureTree } from '../../src/tree/trees.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import { BUDGET, DEFINITION, ID, readAll, scratch } from '../journal/stage.ts';

const LEASE = 1000;
const CONTINUATION = 'd65df89f702eec58ca3c7bf2001c9ffc';

const first = encodeJsonFrame({ type: FrameType.JOURNAL, sequence: 0, rows: 0, units: 0 }, DEFINITION);
const definition = (id: number): Uint8Array =>
  encodeJsonFrame(
    { type: FrameType.DEFINITIONS, sequence: 0, rows: 1, units: 0 },
    {
      instruments: [
        {
          id,
          kind: 'gauge',
          scope: { name: 's' },
          name: `g${id}`,
          unit: '',
          description: '',
          valueType: 'double',
        },
      ],
      series: [{ id, instrument: id, attributes: [] }],
    },
  );
const data = (sequence: number, bytes = 64): Uint8Array =>
  encodeFrame({ type: FrameType.SUMS, sequence, rows: 1, units: 1 }, new Uint8Array(bytes));

class Stage {
  readonly tree: string;
  journals: RemoteJournals;
  nowMillis = 1_000_000;

  constructor(t: Pick<TestContext, 'after'>) {
    this.tree = path.join(scratch(t), 'tree');
    ensureTree(this.tree);
    this.journals = new RemoteJournals(this.tree, LEASE, this.nowMillis);
    t.after(() => this.journals.close());
  }

  /** As after a kill: what is in memory is gone. */
  restart(): void {
    this.journals.close();
    this.journals = new RemoteJournals(this.tree, LEASE, this.nowMillis);
  }

  carryOut(order: Parameters<RemoteJournals['carryOut']>[0]): unknown[] {
    const state = this.journals.carryOut(order, this.nowMillis);
    return state === undefined ? [] : [state.sequence, state.definitionsBytes, state.isEnded];
  }

  open = (journal = ID): unknown[] => this.carryOut({ type: 'open', journal });
  define = (offset: number, ...parts: Uint8Array[]): unknown[] =>
    this.carryOut({ type: 'define', journal: ID, offset, bytes: Buffer.concat(parts) });
  frames = (...parts: Uint8Array[]): unknown[] =>
    this.carryOut({ type: 'frames', journal: ID, bytes: Buffer.concat(parts) });
  final = (endedAtMillis = 5): unknown[] => this.carryOut({ type: 'final', journal: ID, endedAtMillis });
  forget = (): unknown[] => this.carryOut({ type: 'forget', journal: ID });

  sequences(id = ID): number[] {
    const reader = new JournalReader(journalPlaces(this.tree, path.join(this.tree, 'spill'), id));
    const { frames } = readAll(reader, FIRST, { ended: true });
    reader.close();
    return frames.filter(({ type }) => type !== FrameType.SEGMENT).map(({ sequence }) => sequence);
  }

  directory(id = ID): string {
    return path.join(this.tree, 'journals', id);
  }

  /** What a pipeline does with a journal that has ended. */
  deleteJournal(id = ID): void {
    rmSync(this.directory(id), { recursive: true });
  }
}

function refusal(call: () => unknown): Refusal {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof Refused, String(thrown));
  return thrown.reason;
}

describe('journals of clients', () => {
  test('are written as they come, and say how far they are', (t) => {
    const stage = new Stage(t);
    assert.deepEqual(stage.open(), [0, 0, false]);
    assert.ok(!existsSync(stage.directory()));
    assert.equal(readRemote(stage.tree, ID), undefined, 'to ask leaves nothing behind');
    assert.deepEqual(stage.define(0, first, definition(1)), [0, first.length + definition(1).length, false]);
    assert.equal(readRemote(stage.tree, ID)?.state, 'open');
    assert.deepEqual(stage.frames(data(1), data(2)), [2, first.length + definition(1).length, false]);
    const bytes = first.length + definition(1).length;
    assert.deepEqual(stage.define(bytes, definition(2)), [2, bytes + definition(2).length, false]);
    assert.deepEqual(stage.sequences(), [1, 2]);
    const dictionary = new Dictionary(journalPlaces(stage.tree, undefined, ID));
    assert.deepEqual(dictionary.definition, DEFINITION);
    assert.equal(dictionary.series(2)?.instrument.name, 'g2');
  });

  test('hold what comes twice once', (t) => {
    const stage = new Stage(t);
    stage.define(0, first);
    stage.frames(data(1), data(2));
    assert.deepEqual(stage.frames(data(1), data(2), data(3)), [3, first.length, false]);
    stage.restart();
    assert.deepEqual(stage.open(), [3, first.length, false]);
    stage.frames(data(2), data(3), data(4));
    assert.deepEqual(stage.sequences(), [1, 2, 3, 4]);
  });

  test('end when the client says so, and that is remembered until it is told to forget it', (t) => {
    const stage = new Stage(t);
    stage.define(0, first);
    stage.frames(data(1));
    assert.deepEqual(stage.final(77), [1, first.length, true]);
    assert.partialDeepStrictEqual(readRemote(stage.tree, ID), {
      state: 'ended',
      sequence: 1,
      endedAtMillis: 77,
    });
    assert.equal(stage.journals.openCount, 0);
    stage.deleteJournal();
    for (let times = 0; times < 2; times++) {
      stage.journals.check(stage.nowMillis);
      assert.deepEqual(stage.open(), [1, 0, true]);
      assert.deepEqual(stage.frames(data(1), data(2)), [1, 0, true]);
      assert.deepEqual(stage.final(), [1, 0, true]);
      assert.ok(!existsSync(stage.directory()));
      stage.restart();
    }
    stage.forget();
    stage.journals.check(stage.nowMillis);
    assert.equal(readRemote(stage.tree, ID), undefined);
  });

  test('are not forgotten before their files are gone, and not at all while they are open', (t) => {
    const stage = new Stage(t);
    stage.define(0, first);
    stage.forget();
    stage.journals.check(stage.nowMillis);
    assert.equal(readRemote(stage.tree, ID)?.state, 'open');
    stage.final();
    stage.forget();
    stage.restart();
    stage.journals.check(stage.nowMillis);
    assert.equal(readRemote(stage.tree, ID)?.isForgotten, true);
    stage.deleteJournal();
    stage.journals.check(stage.nowMillis);
    assert.equal(readRemote(stage.tree, ID), undefined);
    assert.deepEqual(readdirSync(path.join(stage.tree, 'remote')), []);
  });

  test('are forgotten a month after their end', (t) => {
    const stage = new Stage(t);
    stage.define(0, first);
    stage.final();
    stage.deleteJournal();
    stage.journals.check(stage.nowMillis + 30 * 86_400_000);
    assert.equal(readRemote(stage.tree, ID)?.state, 'ended');
    stage.journals.check(stage.nowMillis + 30 * 86_400_000 + 1);
    assert.equal(readRemote(stage.tree, ID), undefined);
  });

  test('lapse when the client is away for too long; it goes on in another one, behind the last', (t) => {
    const stage = new Stage(t);
    stage.define(0, first);
    stage.frames(data(1), data(2));
    stage.journals.check(stage.nowMillis + LEASE);
    assert.equal(readRemote(stage.tree, ID)?.state, 'open');
    stage.nowMillis += LEASE / 2;
    stage.journals.renew([ID], stage.nowMillis);
    stage.journals.check(stage.nowMillis + LEASE);
    assert.equal(readRemote(stage.tree, ID)?.state, 'open');
    stage.journals.check(stage.nowMillis + LEASE + 1);
    assert.partialDeepStrictEqual(readRemote(stage.tree, ID), {
      state: 'lapsed',
      sequence: 2,
      endedAtMillis: stage.nowMillis,
    });
    assert.equal(stage.journals.openCount, 0);
    stage.deleteJournal();
    stage.restart();
    assert.deepEqual(stage.open(), [2, 0, false]);
    stage.define(0, first, definition(1));
    stage.restart();
    assert.deepEqual(stage.open(), [2, first.length + definition(1).length, false]);
    assert.deepEqual(stage.frames(data(2), data(3)), [3, first.length + definition(1).length, false]);
    assert.deepEqual(stage.sequences(CONTINUATION), [3]);
    assert.ok(!existsSync(stage.directory()));
    stage.final();
    stage.deleteJournal(CONTINUATION);
    stage.forget();
    stage.journals.check(stage.nowMillis);
    assert.deepEqual(readdirSync(path.join(stage.tree, 'remote')), []);
  });

  test('may lapse again before anything more has come', (t) => {
    const stage = new Stage(t);
    stage.define(0, first);
    stage.frames(data(1), data(2));
    stage.journals.check(stage.nowMillis + LEASE + 1);
    stage.define(0, first);
    stage.restart();
    stage.journals.check(stage.nowMillis + LEASE + 1);
    assert.partialDeepStrictEqual(readRemote(stage.tree, CONTINUATION), { state: 'lapsed', sequence: 2 });
    assert.deepEqual(stage.open(), [2, 0, false]);
  });

  test('refuse what has no place in them', (t) => {
    const stage = new Stage(t);
    assert.equal(
      refusal(() => stage.frames(data(1))),
      Refusal.PROTOCOL,
    );
    assert.equal(
      refusal(() => stage.define(8, first)),
      Refusal.PROTOCOL,
    );
    assert.equal(
      refusal(() => stage.define(0, definition(1))),
      Refusal.PROTOCOL,
    );
    assert.equal(
      refusal(() => stage.define(0)),
      Refusal.PROTOCOL,
    );
    assert.ok(!existsSync(stage.directory()));
    stage.define(0, first);
    assert.equal(
      refusal(() => stage.define(0, first)),
      Refusal.PROTOCOL,
    );
    assert.equal(
      refusal(() => stage.frames(data(1).subarray(0, 40))),
      Refusal.PROTOCOL,
    );
    assert.equal(
      refusal(() => stage.frames(data(1), new Uint8Array(8))),
      Refusal.PROTOCOL,
    );
    assert.equal(
      refusal(() => stage.frames(data(1).with(40, 1))),
      Refusal.PROTOCOL,
    );
    for (const type of [FrameType.JOURNAL, FrameType.DEFINITIONS, FrameType.SEGMENT]) {
      const frame = encodeFrame({ type, sequence: 9, rows: 0, units: 0 }, new Uint8Array(24));
      assert.equal(
        refusal(() => stage.frames(frame)),
        Refusal.PROTOCOL,
      );
    }
    assert.equal(
      refusal(() => stage.define(first.length, data(1))),
      Refusal.PROTOCOL,
    );
    assert.deepEqual(stage.sequences(), []);
  });

  test('never touch one of which the writer is here', (t) => {
    const stage = new Stage(t);
    const places = journalPlaces(stage.tree, undefined, ID);
    new JournalWriter(places, DEFINITION, BUDGET).close();
    for (const order of [
      () => stage.open(),
      () => stage.define(first.length, definition(1)),
      () => stage.final(),
    ]) {
      assert.equal(refusal(order), Refusal.PROTOCOL);
    }
    assert.equal(readRemote(stage.tree, ID), undefined);
  });

  test('keep what a later version may understand', (t) => {
    const stage = new Stage(t);
    const strange = encodeJsonFrame(
      { type: FrameType.JOURNAL, sequence: 0, rows: 0, units: 0 },
      { later: 1 },
    );
    stage.define(0, strange);
    assert.deepEqual(stage.frames(data(1)), [1, strange.length, false]);
  });

  test('have every frame once, wherever the server was killed', (t) => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            frames: fc.integer({ min: 1, max: 6 }),
            torn: fc.nat({ max: 500 }),
            kill: fc.boolean(),
          }),
          {
            minLength: 1,
            maxLength: 12,
          },
        ),
        (steps) => {
          const stage = new Stage(t);
          stage.define(0, first);
          let last = 0;
          for (const { frames, torn, kill } of steps) {
            // One write of several frames: the client sends it again as long as it is not acknowledged.
            const parts = Array.from({ length: frames }, () => ({
              type: FrameType.SUMS,
              rows: 1,
              units: 1,
              payload: new Uint8Array(48),
            }));
            const write = encodeFrames(parts, last + 1);
            last += frames;
            if (kill) {
              const segment = readdirSync(stage.directory())
                .filter((name) => name.endsWith('.segment'))
                .toSorted()
                .at(-1);
              // A part of it was written when the server was killed.
              if (segment !== undefined) {
                appendFileSync(
                  path.join(stage.directory(), segment),
                  write.subarray(0, Math.min(torn, write.length)),
                );
              }
              stage.restart();
            }
            assert.deepEqual(stage.frames(write), [last, first.length, false]);
          }
          assert.deepEqual(
            stage.sequences(),
            Array.from({ length: last }, (_, index) => index + 1),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test('go on behind definitions that a kill has torn', (t) => {
    const stage = new Stage(t);
    stage.define(0, first);
    const file = path.join(stage.directory(), 'definitions');
    appendFileSync(file, definition(1).subarray(0, 50));
    stage.restart();
    assert.deepEqual(stage.open(), [0, first.length, false]);
    stage.define(first.length, definition(1));
    const dictionary = new Dictionary(journalPlaces(stage.tree, undefined, ID));
    assert.equal(dictionary.series(1)?.instrument.name, 'g1');
  });
});
