/**
 * The series of operations: one for the starts of each name, and one for the ends with each status.
 *
 * In: an attribute set, names, statuses. Out: rows of the recorder. Invariant: the success of a known operation looks nothing up,
 * its failure only its status; only series of its own are remembered, not the one that all beyond the cardinality limit share.
 */
import type { Attributes, Context } from '@opentelemetry/api';
import { encodeAttributes } from '../journal/attributes.ts';
import { CounterName, METER_NAME, UNITS } from '../names.ts';
import { canonicalAttributes } from './attributes.ts';
import type { SumSeries } from './batch.ts';
import { LimitedSeries, OVERFLOW_ATTRIBUTES } from './cardinality.ts';
import type { OperationSeries } from './carry.ts';
import { monotonic } from './clock.ts';
import { sampledSpan } from './operation-span.ts';
import type { Recorder } from './recorder.ts';

/** Operations that move data: only their successes have a size and a rate. */
const MOVES_DATA: ReadonlySet<string> = new Set(['read', 'write', 'copy']);

const OPERATION = 'multistorageclient.operation';
const STATUS = 'multistorageclient.status';

/** What all operations of one provider share. */
export interface OperationInstruments {
  readonly operation: number;
  readonly request: number;
  readonly response: number;
  readonly bytes: number;
  readonly requests: LimitedSeries<SumSeries>;
  readonly series: LimitedSeries<OperationSeries>;
}

export function defineInstruments(recorder: Recorder): OperationInstruments {
  const scope = { name: METER_NAME };
  const define = (kind: 'counter' | 'operation', name: string, unit: string): number =>
    recorder.defineInstrument({ kind, scope, name, unit, description: '', valueType: 'double' });
  const counter = (name: CounterName): number => define('counter', name, UNITS[name]);
  const operation = define('operation', 'multistorageclient.operation', '');
  const request = counter(CounterName.REQUEST_SUM);
  const response = counter(CounterName.RESPONSE_SUM);
  const bytes = counter(CounterName.DATA_SIZE_SUM);
  const limited = <Series>(create: (attributes: Attributes) => Series): LimitedSeries<Series> =>
    new LimitedSeries(recorder.cardinalityLimit, () => create(OVERFLOW_ATTRIBUTES));
  const instruments = { operation, request, response, bytes };
  return {
    ...instruments,
    requests: limited((attributes) => defineSum(recorder, request, attributes)),
    series: limited((attributes) => defineOperation(recorder, instruments, attributes)),
  };
}

function defineSum(recorder: Recorder, instrument: number, attributes: Attributes): SumSeries {
  return { id: recorder.defineSeries(instrument, encodeAttributes(attributes)), row: 0, epoch: 0 };
}

function defineOperation(
  recorder: Recorder,
  { operation, response, bytes }: Pick<OperationInstruments, 'operation' | 'response' | 'bytes'>,
  attributes: Attributes,
): OperationSeries {
  const once = (instrument: number): (() => SumSeries) => {
    let sum: SumSeries | undefined;
    return () => (sum ??= defineSum(recorder, instrument, attributes));
  };
  const id = recorder.defineSeries(operation, encodeAttributes(attributes));
  const series = { id, responses: once(response), bytes: once(bytes) };
  recorder.defineOperation(series);
  return series;
}

/** All operations with one attribute set. */
export class OperationSet {
  readonly recorder: Recorder;
  readonly #instruments: OperationInstruments;
  readonly #attributes: Attributes;
  readonly #key: string;
  readonly #isOverflow: boolean;
  readonly #kinds = new Map<string, OperationKind>();

  constructor(recorder: Recorder, instruments: OperationInstruments, attributes: Attributes) {
    this.recorder = recorder;
    this.#instruments = instruments;
    this.#isOverflow = attributes === OVERFLOW_ATTRIBUTES;
    // Only the operation itself says these; a request has no status.
    this.#attributes = { ...attributes, [OPERATION]: undefined, [STATUS]: undefined };
    this.#key = canonicalAttributes(this.#attributes);
  }

  kind(name: string): OperationKind {
    return this.#kinds.get(name) ?? this.#newKind(name);
  }

  #newKind(name: string): OperationKind {
    const attributes = { ...this.#attributes, [OPERATION]: name };
    const { request, requests } = this.#instruments;
    const create = (): SumSeries => defineSum(this.recorder, request, attributes);
    const key = this.#key + name;
    const series = this.#isOverflow ? requests.overflow : (requests.get(key) ?? requests.add(key, create));
    const kind = new OperationKind(this, name, attributes, series);
    if (!requests.isOverflow(series)) this.#kinds.set(name, kind);
    return kind;
  }

  /** For `OperationKind` only. The second: whether it may remember it. */
  seriesOf(name: string, status: string, given: Attributes): [series: OperationSeries, isItsOwn: boolean] {
    const { series: all } = this.#instruments;
    if (this.#isOverflow) return [all.overflow, false];
    const attributes = { ...given, [STATUS]: status };
    const key = `${this.#key}${name} ${status}`;
    const create = (): OperationSeries => defineOperation(this.recorder, this.#instruments, attributes);
    const series = all.get(key) ?? all.add(key, create);
    return [series, !all.isOverflow(series)];
  }
}

/** The operations of one set that have one name. */
export class OperationKind {
  /** What is known of them when they start. */
  readonly attributes: Attributes;
  readonly #set: OperationSet;
  readonly #recorder: Recorder;
  readonly #name: string;
  readonly #movesData: boolean;
  readonly #requests: SumSeries;
  #success: OperationSeries | undefined;
  readonly #failures = new Map<string, OperationSeries>();

  constructor(set: OperationSet, name: string, attributes: Attributes, requests: SumSeries) {
    this.#set = set;
    this.#recorder = set.recorder;
    this.#name = name;
    this.attributes = attributes;
    this.#movesData = MOVES_DATA.has(name);
    this.#requests = requests;
  }

  /** Counts a request. */
  begin(): void {
    this.#recorder.add(this.#requests, 1, 0);
  }

  /** Returns the bytes that count: NaN where none do. `within` is the context of the operation. */
  succeed(start: readonly [number, number], bytes: number, within: Context): number {
    const now = monotonic();
    const moved = this.#movesData && Number.isFinite(bytes) && bytes >= 0 ? bytes : NaN;
    const series = this.#success ?? this.#successes();
    this.#recorder.operation(series.id, now, nanosBetween(start, now), moved, sampledSpan(within));
    return moved;
  }

  fail(status: string, start: readonly [number, number], within: Context): void {
    const now = monotonic();
    const series = this.#failures.get(status) ?? this.#failuresWith(status);
    this.#recorder.operation(series.id, now, nanosBetween(start, now), NaN, sampledSpan(within));
  }

  #successes(): OperationSeries {
    const [series, isItsOwn] = this.#set.seriesOf(this.#name, 'success', this.attributes);
    if (isItsOwn) this.#success = series;
    return series;
  }

  #failuresWith(status: string): OperationSeries {
    const [series, isItsOwn] = this.#set.seriesOf(this.#name, status, this.attributes);
    if (isItsOwn) this.#failures.set(status, series);
    return series;
  }
}

function nanosBetween(start: readonly [number, number], end: readonly [number, number]): number {
  return (end[0] - start[0]) * 1e9 + (end[1] - start[1]);
}
