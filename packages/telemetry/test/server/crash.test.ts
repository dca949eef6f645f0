import { createHash } from 'node:crypto';
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync, cpSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { decodeJson } from '../../src/journal/frame.ts';
import { scan } from '../../src/journal/chunk.ts';
import type { Account } from '../../src/server/account.ts';
import type { PlanEvent } from '../../src/server/plan.ts';
import { readTreeStatus } from '../../src/server/status.ts';
import type { TailedJournal } from '../../src/server/tailed-journal.ts';
import { AggregationTemporality } from '@opentelemetry/sdk-metrics';
import { deadProcess, type Writer } from './journals.ts';
import type { Request } from './scripted-exporter.ts';
import { Stage, T0, type StageOptions, type MetricsPipeline } from './stage.ts';

const FRAMES = 10;
const SAMPLES = 2000;
const BOUNDARIES = [10, 100];

/** One thread that records everything there is. Threads disagree about descriptions and the order of attributes. */
function startWriter(stage: Stage, index: number): { writer: Writer; record: (fromMillis: number) => void } {
  const writer = stage.writer({
    id: `${index}`.repeat(32),
    threadId: index,
    resource: { 'service.name': `thread ${index}` },
    ...(index === 1 ? { process: deadProcess() } : {}),
  });
  const attributes = index % 2 === 0 ? { a: 1, b: 'x' } : { b: 'x', a: 1 };
  const over = { description: `as thread ${index} says` };
  const latency = writer.metric('gauge', 'multistorageclient.latency', attributes, over);
  const own = writer.metric('gauge', 'own.gauge', attributes, over);
  const sum = writer.metric('counter', 'multistorageclient.request.sum', attributes, over);
  const queue = writer.metric('up_down_counter', 'multistorageclient.queue', attributes, over);
  const seen = writer.metric('observable_counter', 'own.seen', attributes, over);
  const sizes = writer.metric('histogram', 'own.sizes', attributes, { ...over, boundaries: BOUNDARIES });
  const operation = writer.metric('operation', 'multistorageclient.operation', attributes);
  const spread = writer.instrument('gauge', 'multistorageclient.many');
  const many = [0, 1, 2].map((set) => writer.series(spread, { thread: index, set }));
  const record = (fromMillis: number): void => {
    for (let frame = 0; frame < FRAMES; frame++) {
      const at = fromMillis + frame * 300 + index * 7;
      writer.sums(at, [sum, 1 + index], [queue, 1], [seen, frame * 5 + (at - T0)]);
      writer.histogram(at, sizes, BOUNDARIES, [1, 50, 500 + frame]);
      writer.samples(at, [many[frame % 3], frame]);
      writer.operations(at, [operation, 1000 + frame, 10], [operation, 2000]);
      const rows = Array.from(
        { length: SAMPLES },
        (_, row) => [row % 2 ? latency : own, row, row * 1000] as const,
      );
      writer.samples(at, ...rows);
    }
  };
  return { writer, record };
}

/** A request, and how many requests of its cycle's plan had been accepted when it was sent. */
interface Sent extends Request {
  readonly accepted: number;
}

function eventsOf(plan: Uint8Array): PlanEvent[] {
  const { frames } = scan(plan, { segment: 0, offset: 0 }, '', false);
  return frames.slice(1).map((frame) => decodeJson(frame) as PlanEvent);
}

const acceptedIn = (plan: Uint8Array): number =>
  eventsOf(plan).filter(({ what }) => what === 'accepted').length;

/** What is on disk at some moment of a cycle, and which of its requests were answered by then. */
interface Moment {
  readonly name: string;
  readonly directory: string;
  readonly accepted: number;
  readonly isUnanswered: boolean;
  readonly isCommitted: boolean;
}

/** Every state that a cycle goes through on disk, given what was there before and after it. */
function* momentsOf(stage: Stage, before: string, after: string): Generator<Moment> {
  const place = path.relative(stage.directory, stage.place);
  const plan = readFileSync(path.join(after, place, 'plan'));
  const moment = (name: string, content: Uint8Array | undefined, isCommitted = false): Moment => {
    const directory = stage.copy(before);
    if (content !== undefined) {
      cpSync(path.join(before, place), path.join(directory, place), { recursive: true });
      writeFileSync(path.join(directory, place, 'plan'), content);
    }
    const checkpoint = path.join(place, 'checkpoint');
    if (isCommitted) cpSync(path.join(after, checkpoint), path.join(directory, checkpoint));
    const events = eventsOf(content ?? new Uint8Array());
    const isUnanswered = events.at(-1)?.what === 'sent';
    return { name, directory, accepted: acceptedIn(content ?? new Uint8Array()), isUnanswered, isCommitted };
  };
  yield moment('before its plan', undefined);
  for (let offset = 0; offset < plan.length;) {
    const end = offset + 32 + plan.readUInt32LE(offset + 12);
    yield moment(`plan of ${end} bytes`, plan.subarray(0, end));
    if (end < plan.length) yield moment(`plan of ${end + 13} bytes, torn`, plan.subarray(0, end + 13));
    offset = end;
  }
  const committed = moment('behind its checkpoint', plan, true);
  yield committed;
  const gone: string[] = [];
  for (const id of readdirSync(path.join(before, 'journals'))) {
    const files = readdirSync(path.join(before, 'journals', id));
    const left = path.join(after, 'journals', id);
    gone.push(
      ...files
        .filter((name) => !existsSync(path.join(left, name)))
        .map((name) => path.join('journals', id, name)),
    );
  }
  for (let count = 1; count <= gone.length; count++) {
    const half = {
      ...committed,
      name: `${count} of ${gone.length} files deleted`,
      directory: stage.copy(committed.directory),
    };
    for (const name of gone.slice(0, count)) rmSync(path.join(half.directory, name));
    yield half;
  }
}

/** Runs a cycle, and gives what it sent. */
async function sentBy(stage: Stage, directory: string, run: () => Promise<unknown>): Promise<Sent[]> {
  const { backend } = stage;
  const from = backend.requests.length;
  const accepted: number[] = [];
  const plan = path.join(directory, path.relative(stage.directory, stage.place), 'plan');
  backend.answer = () => {
    accepted.push(acceptedIn(readFileSync(plan)));
    return 'accept';
  };
  await run();
  return backend.requests.slice(from).map((request, at) => ({ ...request, accepted: accepted[at] }));
}

const same = (requests: readonly Request[]): string[] =>
  requests.map(
    ({ bytes, points }) => `${points.length} points, ${createHash('sha1').update(bytes).digest('hex')}`,
  );

/** The next server may know the tree under another name. */
const withoutResource = (requests: readonly Request[]): unknown[] =>
  requests.map(({ points }) => points.map((point) => ({ ...point, resource: undefined })));

async function cycle(pipeline: MetricsPipeline, nowMillis: number): Promise<void> {
  pipeline.poll(nowMillis);
  while (pipeline.isBusy) await new Promise(setImmediate);
}

async function everyMoment(
  t: TestContext,
  options: StageOptions,
  temporality: AggregationTemporality,
): Promise<void> {
  t.mock.timers.enable({ apis: ['Date'], now: T0 });
  const stage = new Stage(t, options);
  stage.backend.temporality = temporality;
  const threads = [1, 2].map((index) => startWriter(stage, index));
  const [gone, early] = threads;
  const killed = await stage.pipeline();
  const late = startWriter(stage, 0);
  killed.addJournal(stage.open(late.writer.id) as TailedJournal);
  for (const { record } of threads) record(T0);
  early.writer.goodbye();
  t.mock.timers.setTime(T0 + 3000);
  await cycle(killed, Date.now());

  late.record(T0 + 3000);
  gone.record(T0 + 3000);
  const before = stage.copy();
  t.mock.timers.setTime(T0 + 6500);
  for (const journal of killed.journals) journal.checkWriter();
  const requests = await sentBy(stage, stage.directory, () => cycle(killed, T0 + 1e6));
  await killed.stop();
  assert.ok(requests.length > 1);
  const after = stage.copy();

  let expected: { account: Account; rest: unknown[] } | undefined;
  const moments = [...momentsOf(stage, before, after)].toReversed();
  for (const moment of moments) {
    const again = await stage.pipeline(moment.directory, { attributes: { 'service.name': 'renamed' } });
    const isPlanned = !moment.isCommitted && moment.name !== 'before its plan';
    for (const journal of again.journals) journal.checkWriter();
    const repeated = await sentBy(stage, moment.directory, () =>
      moment.isCommitted ? Promise.resolve() : cycle(again, isPlanned ? 0 : T0 + 1e6),
    );
    const owed = moment.isCommitted ? [] : requests.filter(({ accepted }) => accepted >= moment.accepted);
    // Without a plan the journals may have their turns in another order.
    if (isPlanned) assert.deepEqual(same(repeated), same(owed), moment.name);
    t.mock.timers.setTime(T0 + 8000);
    const rest = await sentBy(stage, moment.directory, () => again.flush({ tick: true }));
    t.mock.timers.setTime(T0 + 6500);
    const { account } = readTreeStatus(moment.directory);
    const { duplicated, ...counts } = account;
    expected ??= { account: { ...counts, duplicated: 0 }, rest: withoutResource(rest) };
    assert.deepEqual(withoutResource(rest), expected.rest, moment.name);
    assert.deepEqual({ ...counts, duplicated: 0 }, expected.account, moment.name);
    const unanswered = owed.filter(({ accepted }) => moment.isUnanswered && accepted === moment.accepted);
    const isRepeated = unanswered.some(({ points }) =>
      points.some(({ metric, value }) => /gauge|latency|many/.test(metric) && typeof value === 'number'),
    );
    assert.equal(duplicated > 0, isRepeated, moment.name);
    await again.stop();
  }
  assert.equal(
    expected?.account.recorded,
    [late, ...threads].reduce((sum, { writer }) => sum + writer.recorded, 0),
  );
  assert.equal(expected?.account.journaled, 0);
}

suite('a cycle that was killed at any moment goes on as if it had not been', () => {
  test('with raw samples', (t) => everyMoment(t, {}, AggregationTemporality.CUMULATIVE));
  test('with last values', (t) =>
    everyMoment(t, { resampling: { type: 'last_value' } }, AggregationTemporality.CUMULATIVE));
  test('with decimated samples', (t) =>
    everyMoment(t, { resampling: { type: 'decimation', factor: 7 } }, AggregationTemporality.CUMULATIVE));
  test('with exponential histograms', (t) =>
    everyMoment(
      t,
      { resampling: { type: 'exponential_histogram', maxBuckets: 160, maxScale: 20 } },
      AggregationTemporality.CUMULATIVE,
    ));
  test('with a cardinality limit that its threads exceed together', (t) =>
    everyMoment(t, { cardinalityLimit: 3 }, AggregationTemporality.CUMULATIVE));
  test('with delta temporality', (t) => everyMoment(t, {}, AggregationTemporality.DELTA));
});
