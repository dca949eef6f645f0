import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
// oxlint-disable-next-line import/no-unassigned-import -- it replaces what the next ones capture
import './instant-timers.ts';
import type { ExponentialHistogram, Histogram } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import type { ResamplingConfig } from '../../src/config/signals.ts';
import { readTreeStatus } from '../../src/server/status.ts';
import type { TailedJournal } from '../../src/server/tailed-journal.ts';
import type { Writer } from './journals.ts';
import { millisOf, type Answer, type Point } from './scripted-exporter.ts';
import { Stage, T0, type MetricsPipeline } from './stage.ts';

const BOUNDARIES = [10, 100];
/** Each writer has a resource of its own for this one, and so a request. */
const GAUGE = 'own.latency';
const SUM = 'multistorageclient.request.sum';
const QUEUE = 'multistorageclient.queue';
const SEEN = 'multistorageclient.seen';
const SIZES = 'multistorageclient.sizes';
const KINDS = ['gauge', 'counter', 'up_down_counter', 'observable_counter', 'histogram'] as const;
const NAMES = [GAUGE, SUM, QUEUE, SEEN, SIZES];
/** With more attribute sets than the limit lets have series of their own. */
const MANY = {
  gauge: 'multistorageclient.many.latency',
  counter: 'multistorageclient.many.sum',
  observable_counter: 'multistorageclient.many.seen',
  observable_up_down_counter: 'multistorageclient.many.level',
} as const;
const SETS = 5;
const LIMIT = 3;
const FACTOR = 3;

/** What happens to a configuration: its writers are named by their place among those that are there. */
type Step =
  | { readonly do: 'record'; readonly writer: number; readonly kind: number; readonly rows: number }
  | { readonly do: 'join' }
  | { readonly do: 'leave'; readonly writer: number; readonly rescued: boolean }
  | { readonly do: 'wait'; readonly millis: number }
  | {
      readonly do: 'cycle';
      readonly how: 'tick' | 'full' | 'flush';
      readonly answers: readonly Answer[];
      /** The server is killed while it waits for the answer to this request, or right behind it. */
      readonly kill: number | undefined;
      readonly answered: boolean;
    }
  | { readonly do: 'restart' };

const small = fc.integer({ min: 0, max: 3 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('record' as const),
        writer: small,
        kind: fc.integer({ min: 0, max: 8 }),
        rows: fc.integer({ min: 1, max: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('join' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('leave' as const), writer: small, rescued: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('wait' as const), millis: fc.integer({ min: 1, max: 700 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('cycle' as const),
        how: fc.constantFrom('tick' as const, 'full' as const, 'flush' as const),
        answers: fc.array(
          fc.constantFrom<Answer[]>('accept', 'accept', 'refuse', 'lose', 'reject', 'too-large'),
          { maxLength: 6 },
        ),
        kill: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
        answered: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  ),
  { minLength: 5, maxLength: 40 },
);

type Many = keyof typeof MANY;

interface Member {
  readonly writer: Writer;
  readonly number: number;
  readonly series: readonly number[];
  /** By attribute set. */
  readonly many: Readonly<Record<Many, readonly number[]>>;
  readonly manySeen: number[];
  seen: number;
  queued: number;
}

/** Carries the steps out, and keeps its own account beside. */
class Run {
  readonly stage: Stage;
  readonly t: TestContext;
  pipeline!: MetricsPipeline;
  readonly members: Member[] = [];
  nowMillis = T0;
  recorded = 0;
  readonly samples: number[] = [];
  sum = 0;
  readonly sizes: number[] = [];
  /** Samples of the gauge of each writer, in their order. */
  readonly byWriter = new Map<number, number[]>();
  seenByGone = 0;
  many = 0;
  manySeenByGone = 0;
  /** Units by metric and attribute set. */
  readonly units = new Map<string, number>();
  #joined = 0;

  constructor(t: TestContext, resampling: ResamplingConfig) {
    this.t = t;
    this.stage = new Stage(t, {
      resampling,
      cardinalityLimit: LIMIT,
      collectIntervalMillis: 250,
      exportTimeoutMillis: 1,
    });
  }

  async step(step: Step): Promise<void> {
    const member = 'writer' in step ? this.members[step.writer % this.members.length] : undefined;
    if (step.do === 'record' && member !== undefined) this.record(member, step.kind, step.rows);
    if (step.do === 'join') this.join();
    if (step.do === 'leave' && member !== undefined) this.leave(member, step.rescued);
    if (step.do === 'wait') this.t.mock.timers.setTime((this.nowMillis += step.millis));
    if (step.do === 'cycle') await this.cycle(step);
    if (step.do === 'restart') await this.restart();
  }

  join(): void {
    const writer = this.stage.writer({
      startedAtMillis: this.nowMillis,
      resource: { writer: ++this.#joined },
    });
    const ofSets = (kind: Many): number[] => {
      const instrument = writer.instrument(kind, MANY[kind]);
      return Array.from({ length: SETS }, (_, set) => writer.series(instrument, { set }));
    };
    const many = {
      gauge: ofSets('gauge'),
      counter: ofSets('counter'),
      observable_counter: ofSets('observable_counter'),
      observable_up_down_counter: ofSets('observable_up_down_counter'),
    };
    const series = KINDS.map((kind, index) =>
      writer.metric(kind, NAMES[index], {}, kind === 'histogram' ? { boundaries: BOUNDARIES } : {}),
    );
    const manySeen = Array.from({ length: SETS }, () => 0);
    this.members.push({ writer, number: this.#joined, series, many, manySeen, seen: 0, queued: 0 });
    this.byWriter.set(this.#joined, []);
    this.pipeline.addJournal(this.stage.open(writer.id) as TailedJournal);
  }

  leave(member: Member, rescued: boolean): void {
    this.members.splice(this.members.indexOf(member), 1);
    if (rescued) member.writer.rescue(2);
    else member.writer.goodbye();
    this.recorded += member.writer.recorded;
    this.seenByGone += member.seen;
    this.manySeenByGone += total(member.manySeen);
  }

  record(member: Member, kind: number, rows: number): void {
    const { writer, series } = member;
    const at = this.nowMillis - 20 * rows;
    if (kind === 0) {
      const values = Array.from({ length: rows }, (_, row) => this.samples.length + row + 1);
      this.samples.push(...values);
      this.byWriter.get(member.number)?.push(...values);
      writer.samples(at, ...values.map((value, row) => [series[0], value, row * 1000] as const));
    } else if (kind === 1) {
      this.sum += rows;
      writer.sums(at, [series[1], rows, rows]);
    } else if (kind === 2) {
      const change = rows % 2 === 0 ? rows : -rows;
      member.queued += change;
      writer.sums(at, [series[2], change]);
    } else if (kind === 3) {
      member.seen += rows;
      writer.sums(at, [series[3], member.seen]);
    } else if (kind === 4) {
      const values = [1, 50, 500].slice(0, rows);
      this.sizes.push(...values);
      writer.histogram(at, series[4], BOUNDARIES, values);
    } else if (kind === 5) {
      writer.account({ budget: rows });
      writer.samples(at, [9999, 1]);
    } else {
      this.recordMany(member, kind, rows, at);
    }
  }

  recordMany({ writer, number, many, manySeen }: Member, kind: number, rows: number, at: number): void {
    const set = (rows + number) % SETS;
    const count = (metric: Many, units: number): void => {
      const key = JSON.stringify([MANY[metric], set]);
      this.units.set(key, (this.units.get(key) ?? 0) + units);
    };
    if (kind === 6) {
      this.many += rows;
      writer.sums(at, [many.counter[set], rows, rows]);
      count('counter', rows);
    } else if (kind === 7) {
      manySeen[set] += rows;
      const value = manySeen[set];
      writer.sums(at, [many.observable_counter[set], value], [many.observable_up_down_counter[set], value]);
      count('observable_counter', 1);
      count('observable_up_down_counter', 1);
    } else {
      this.samples.push(this.samples.length + 1);
      writer.samples(at, [many.gauge[set], this.samples.length]);
      count('gauge', 1);
    }
  }

  async cycle({ how, answers, kill, answered }: Extract<Step, { do: 'cycle' }>): Promise<void> {
    const { pipeline } = this;
    let request = 0;
    let isKilled = false;
    this.stage.backend.answer = () => {
      const answer = answers[request] ?? 'accept';
      isKilled ||= request === kill;
      request++;
      if (!isKilled) return answer;
      void pipeline.stop();
      return answered ? answer : 'lose';
    };
    if (how === 'flush') await pipeline.flush({ tick: true });
    else pipeline.poll(how === 'tick' ? Infinity : 0);
    while (pipeline.isBusy) await new Promise(setImmediate);
    if (isKilled) await this.restart();
  }

  async restart(): Promise<void> {
    await this.pipeline.stop();
    this.pipeline = await this.stage.pipeline();
  }

  get allRecorded(): number {
    return this.members.reduce((sum, { writer }) => sum + writer.recorded, this.recorded);
  }
}

async function carriedOut(t: TestContext, resampling: ResamplingConfig, all: readonly Step[]): Promise<Run> {
  t.mock.timers.setTime(T0);
  const run = new Run(t, resampling);
  run.pipeline = await run.stage.pipeline();
  run.join();
  run.join();
  for (const step of all) {
    await run.step(step);
    const { balanced } = readTreeStatus(run.stage.directory);
    assert.equal(balanced, true);
  }
  run.stage.backend.answer = () => 'accept';
  t.mock.timers.setTime((run.nowMillis += 5000));
  assert.equal(await run.pipeline.flush({ tick: true }), true);
  assert.deepEqual(
    run.stage.log.filter((line) => line.includes('failed')),
    [],
  );
  await run.pipeline.stop();
  return run;
}

/** Each point once, in the order of their times: a point that is sent again is the same point. */
function pointsOf({ stage }: Run, metric: string): Point[] {
  const points = new Map<string, Point>();
  for (const point of stage.backend.points) {
    if (point.metric !== metric) continue;
    const key = JSON.stringify([point.resource, point.attributes, point.time]);
    const known = points.get(key);
    if (known !== undefined) assert.deepEqual(point, known);
    points.set(key, point);
  }
  return [...points.values()];
}

function checkTotals(run: Run): void {
  for (const metric of [SUM, SEEN, QUEUE, SIZES]) {
    const points = pointsOf(run, metric);
    for (const [at, { time, value, start }] of points.entries()) {
      if (at === 0) continue;
      const before = points[at - 1];
      assert.ok(millisOf(time) > millisOf(before.time), `${metric}: time ascends`);
      assert.deepEqual(start, before.start);
      if (metric === SIZES) assert.ok((value as Histogram).count >= (before.value as Histogram).count);
      else if (metric !== QUEUE) assert.ok(value >= before.value, `${metric} falls`);
    }
  }
  const last = (metric: string): Point['value'] | undefined => pointsOf(run, metric).at(-1)?.value;
  const seen = run.members.reduce((sum, member) => sum + member.seen, run.seenByGone);
  const queued = run.members.reduce((sum, member) => sum + member.queued, 0);
  const sizes = last(SIZES) as Histogram | undefined;
  assert.equal(last(SUM) ?? 0, run.sum);
  assert.equal(last(SEEN) ?? 0, seen);
  assert.equal(last(QUEUE) ?? 0, queued);
  assert.equal(sizes?.count ?? 0, run.sizes.length);
  assert.equal(
    sizes?.sum ?? 0,
    run.sizes.reduce((sum, value) => sum + value, 0),
  );
}

/** Sums over all series are exact, whoever has one, and who has one keeps it. */
function checkCardinality(run: Run): void {
  const sent = run.stage.backend.requests.flatMap(({ points }) => points);
  let overflowed = 0;
  for (const name of Object.values(MANY)) {
    const series = new Set(
      sent.filter(({ metric }) => metric === name).map(({ attributes }) => JSON.stringify(attributes)),
    );
    const own = [...series].filter((attributes) => !attributes.includes('otel.metric.overflow'));
    assert.ok(own.length < LIMIT && series.size <= LIMIT, `${name} has the series ${[...series].join()}`);
    for (const [key, units] of run.units) {
      const [metric, set] = JSON.parse(key) as [string, number];
      if (metric === name && !series.has(JSON.stringify({ set }))) overflowed += units;
    }
  }
  assert.equal(readTreeStatus(run.stage.directory).account.overflowed, overflowed);
  const living = total(run.members.map(({ manySeen }) => total(manySeen)));
  assert.equal(lastTotal(run, MANY.counter), run.many);
  assert.equal(lastTotal(run, MANY.observable_counter), living + run.manySeenByGone);
  assert.equal(lastTotal(run, MANY.observable_up_down_counter), living);
}

function lastTotal(run: Run, metric: string): number {
  const last = new Map(pointsOf(run, metric).map((point) => [JSON.stringify(point.attributes), point.value]));
  return total([...last.values()] as number[]);
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Points of the gauge that every writer has a resource of its own for, by writer. */
function gaugesByWriter(run: Run): Map<number, Point[]> {
  return Map.groupBy(pointsOf(run, GAUGE), ({ resource }) => resource['writer'] as number);
}

/** Samples in the requests that had one of these answers. */
function samplesIn({ stage }: Run, ...answers: readonly Answer[]): number[] {
  const requests = stage.backend.requests.filter(({ answer }) => answers.includes(answer));
  return requests.flatMap(({ points }) =>
    points.flatMap(({ metric, value }) =>
      metric === GAUGE || metric === MANY.gauge ? [value as number] : [],
    ),
  );
}

suite('whatever happens, in whatever order', () => {
  test('raw samples arrive once, totals are exact, and the account says so', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: T0 });
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const run = await carriedOut(t, { type: 'none' }, all);
        checkTotals(run);
        checkCardinality(run);
        const rejected = samplesIn(run, 'reject');
        const accepted = samplesIn(run, 'accept');
        // What a single point alone is too large for is dropped as well.
        const settled = new Set([...accepted, ...rejected]);
        const tooLarge = run.samples.filter((value) => !settled.has(value));
        assert.ok(tooLarge.every((value) => samplesIn(run, 'too-large').includes(value)));
        assert.equal(accepted.length, new Set(accepted).size, 'nothing twice');
        const { account } = readTreeStatus(run.stage.directory);
        assert.equal(account.recorded, run.allRecorded + writerDrops(account.dropped));
        assert.equal(account.exported, accepted.length);
        assert.equal(account.journaled, 0);
        assert.equal(account.dropped['rejected'] ?? 0, rejected.length + tooLarge.length);
        assert.equal(account.duplicated, samplesIn(run, 'lose').length);
      }),
      { numRuns: Number(process.env['MSC_TEST_RUNS'] ?? 60) },
    );
  });

  test('last values and what is merged into them make up all that was recorded', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: T0 });
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const run = await carriedOut(t, { type: 'last_value' }, all);
        checkTotals(run);
        checkCardinality(run);
        const { account, balanced } = readTreeStatus(run.stage.directory);
        assert.equal(balanced, true);
        assert.equal(account.recorded, run.allRecorded + writerDrops(account.dropped));
        assert.equal(account.journaled, 0);
        assert.equal(account.exported, samplesIn(run, 'accept').length);
        for (const points of gaugesByWriter(run).values()) {
          const times = points.map(({ time }) => millisOf(time));
          assert.ok(times.every((millis, at) => at === 0 || millis > times[at - 1]));
        }
      }),
      { numRuns: Number(process.env['MSC_TEST_RUNS'] ?? 30) },
    );
  });

  test('decimation keeps the first of every few samples of a series, and the rest is merged', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: T0 });
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const run = await carriedOut(t, { type: 'decimation', factor: FACTOR }, all);
        checkTotals(run);
        checkCardinality(run);
        const { account } = readTreeStatus(run.stage.directory);
        const accepted = samplesIn(run, 'accept');
        assert.equal(accepted.length, new Set(accepted).size, 'nothing twice');
        assert.equal(account.recorded, run.allRecorded + writerDrops(account.dropped));
        assert.equal(account.exported, accepted.length);
        assert.equal(account.journaled, 0);
        const sent = new Set(samplesIn(run, 'accept', 'lose', 'refuse', 'reject', 'too-large'));
        for (const values of run.byWriter.values()) {
          const kept = values.filter((value) => sent.has(value));
          assert.deepEqual(
            kept,
            values.filter((_, place) => place % FACTOR === 0),
          );
        }
      }),
      { numRuns: Number(process.env['MSC_TEST_RUNS'] ?? 30) },
    );
  });

  test('an exponential histogram ends with every sample in it, whatever its scale was on the way', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: T0 });
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const resampling = { type: 'exponential_histogram', maxBuckets: 4, maxScale: 20 } as const;
        const run = await carriedOut(t, resampling, all);
        checkTotals(run);
        checkCardinality(run);
        const { account } = readTreeStatus(run.stage.directory);
        assert.equal(account.recorded, run.allRecorded + writerDrops(account.dropped));
        assert.equal(account.merged, account.recorded - total(Object.values(account.dropped)));
        assert.deepEqual([account.exported, account.journaled], [0, 0]);
        for (const [writer, points] of gaugesByWriter(run)) {
          const histograms = points.map(({ value }) => value as unknown as ExponentialHistogram);
          const counts = histograms.map(({ count }) => count);
          assert.ok(counts.every((count, at) => at === 0 || count >= counts[at - 1]));
          // The series of a process that is gone may have said its last in a request that was rejected.
          if (!run.members.some(({ number }) => number === writer)) continue;
          const values = run.byWriter.get(writer) ?? [];
          const { count, sum, min, max } = histograms.at(-1) ?? {};
          assert.deepEqual(
            { count, sum, min, max },
            { count: values.length, sum: total(values), min: Math.min(...values), max: Math.max(...values) },
          );
        }
      }),
      { numRuns: Number(process.env['MSC_TEST_RUNS'] ?? 30) },
    );
  });
});

const writerDrops = (dropped: Readonly<Record<string, number>>): number => dropped['budget'] ?? 0;
