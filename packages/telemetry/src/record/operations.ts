/**
 * Operations: one storage operation is one record, from which the server derives all six metrics.
 *
 * In: starts and ends. Out: a start counts in `request.sum` at once; an end is one row with its latency and bytes.
 * Invariant: requests minus responses is what is in flight, or was lost with its process.
 * On failure: never throws; a second end of the same operation does nothing.
 */
import { context, type Attributes, type Context, type Span, type Tracer } from '@opentelemetry/api';
import type { ConfiguredAttributes } from '../attributes/configured.ts';
import { decodeAttributes, encodeAttributes } from '../journal/attributes.ts';
import { CounterName, METER_NAME, UNITS } from '../names.ts';
import { VERSION } from '../version.ts';
import { attributeIndex, canonicalAttributes, type AttributeIndex } from './attributes.ts';
import { LimitedSeries, OVERFLOW_ATTRIBUTES } from './cardinality.ts';
import { monotonic } from './clock.ts';
import { sampledSpan, startSpan, type OperationSpan } from './operation-span.ts';
import type { SumSeries } from './batch.ts';
import type { OperationSeries, Recorder } from './recorder.ts';

/** What an operation does, as the Multi-Storage Client names it. */
export type OperationName = 'read' | 'write' | 'copy' | 'delete' | 'info' | 'list' | 'delete_many';

/** Operations that move data: only their successes have a size and a rate. */
const MOVES_DATA: ReadonlySet<string> = new Set(['read', 'write', 'copy']);

const OPERATION = 'multistorageclient.operation';
const STATUS = 'multistorageclient.status';

export interface OperationsOptions {
  /** Which storage this is, such as `s3`, `azure`, `gcs`, `file`: attribute `multistorageclient.provider`. */
  readonly provider: string;
  /**
   * More attributes for every metric of these operations. They win over configured ones; provider, operation, status and
   * version win over both.
   */
  readonly attributes?: Attributes;
  /**
   * Makes a span of each operation: `multistorageclient.<operation>`, kind CLIENT, child of the active span, with the attributes
   * of the metrics and `multistorageclient.data_size`. Without it latencies refer to the active span, if it is sampled.
   */
  readonly tracer?: Tracer;
}

/** One operation that is under way. */
export interface Operation {
  /** Its span, where there is a tracer. */
  readonly span: Span | undefined;
  /** The context with its span in it: what runs in it (`context.with`) has spans inside of the operation's. */
  readonly context: Context;
  /** Ends with status `success`. `bytes` counts for read, write and copy. Only the first end counts. */
  succeed(bytes?: number): void;
  /**
   * Ends with status `error.<Name>`: the error's class, or its `code` (`ENOENT`) where the class is plain `Error`.
   * `bytes` is accepted for symmetry; failed operations have no data size.
   */
  fail(error: unknown, bytes?: number): void;
}

/** Records the operations of one provider. */
export interface Operations {
  /** Counts the request and starts the clock. */
  start(name: OperationName): Operation;
}

/** What all operations of one provider share. */
interface OperationInstruments {
  readonly operation: number;
  readonly request: number;
  readonly response: number;
  readonly bytes: number;
  readonly requests: LimitedSeries<SumSeries>;
  readonly series: LimitedSeries<OperationSeries>;
}

export class RecordingOperations implements Operations {
  readonly #recorder: Recorder;
  readonly #given: Attributes;
  readonly #sets: AttributeIndex<OperationSet>;
  readonly #isDynamic: boolean;
  readonly #tracer: Tracer | undefined;
  #only: OperationSet | undefined;

  constructor(
    recorder: Recorder,
    { provider, attributes, tracer }: OperationsOptions,
    configured?: ConfiguredAttributes,
  ) {
    this.#recorder = recorder;
    this.#tracer = tracer;
    this.#given = {
      // A copy of all that lies in them, so that no later start or end can fail or differ.
      ...decodeAttributes(encodeAttributes(attributes ?? {})),
      'multistorageclient.version': VERSION,
      'multistorageclient.provider': provider,
    };
    this.#isDynamic = configured?.isDynamic === true;
    const instruments = defineInstruments(recorder);
    const create = (merged: Attributes): OperationSet => new OperationSet(recorder, instruments, merged);
    this.#sets = attributeIndex(create, recorder.cardinalityLimit, configured);
  }

  start(name: OperationName): Operation {
    const set = this.#only ?? this.#find();
    return set === undefined ? new LostOperation(this.#recorder) : set.start(name, this.#tracer);
  }

  /** One operation has the same attributes from its start to its end, dynamic ones included. */
  #find(): OperationSet | undefined {
    const set = this.#sets.get(this.#given);
    if (!this.#isDynamic) this.#only = set;
    return set;
  }
}

function defineInstruments(recorder: Recorder): OperationInstruments {
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

/** All operations with one attribute set, by name and status; only its own series are remembered, not the overflow's. */
class OperationSet {
  readonly #recorder: Recorder;
  readonly #instruments: OperationInstruments;
  readonly #attributes: Attributes;
  readonly #key: string;
  readonly #isOverflow: boolean;
  readonly #requests = new Map<string, SumSeries>();
  readonly #series = new Map<string, OperationSeries>();

  constructor(recorder: Recorder, instruments: OperationInstruments, attributes: Attributes) {
    this.#recorder = recorder;
    this.#instruments = instruments;
    this.#isOverflow = attributes === OVERFLOW_ATTRIBUTES;
    // Only the operation itself says these; a request has no status.
    this.#attributes = { ...attributes, [OPERATION]: undefined, [STATUS]: undefined };
    this.#key = canonicalAttributes(this.#attributes);
  }

  start(name: string, tracer: Tracer | undefined): Operation {
    this.#recorder.add(this.#requests.get(name) ?? this.#requestsOf(name), 1, 0);
    const active = context.active();
    if (tracer === undefined) return new RunningOperation(this, name, active, undefined);
    const span = startSpan(tracer, name, { ...this.#attributes, [OPERATION]: name }, active);
    return new RunningOperation(this, name, active, span);
  }

  /** For `RunningOperation` only. Returns the bytes that count: NaN where none do. */
  end(
    name: string,
    status: string,
    start: readonly [number, number],
    bytes: number,
    within: Context,
  ): number {
    const now = monotonic();
    const latencyNanos = (now[0] - start[0]) * 1e9 + (now[1] - start[1]);
    const series = this.#series.get(`${name} ${status}`) ?? this.#seriesOf(name, status);
    const hasMoved = status === 'success' && MOVES_DATA.has(name) && Number.isFinite(bytes) && bytes >= 0;
    const moved = hasMoved ? bytes : NaN;
    this.#recorder.operation(series.id, now, latencyNanos, moved, sampledSpan(within));
    return moved;
  }

  #requestsOf(name: string): SumSeries {
    const { request, requests } = this.#instruments;
    if (this.#isOverflow) return requests.overflow;
    const attributes = { ...this.#attributes, [OPERATION]: name };
    const key = this.#key + name;
    const create = (): SumSeries => defineSum(this.#recorder, request, attributes);
    const series = requests.get(key) ?? requests.add(key, create);
    if (!requests.isOverflow(series)) this.#requests.set(name, series);
    return series;
  }

  #seriesOf(name: string, status: string): OperationSeries {
    const { series: all } = this.#instruments;
    if (this.#isOverflow) return all.overflow;
    const attributes = { ...this.#attributes, [OPERATION]: name, [STATUS]: status };
    const ending = `${name} ${status}`;
    const key = this.#key + ending;
    const create = (): OperationSeries => defineOperation(this.#recorder, this.#instruments, attributes);
    const series = all.get(key) ?? all.add(key, create);
    if (!all.isOverflow(series)) this.#series.set(ending, series);
    return series;
  }
}

/** An operation whose attributes could not be had: its end is counted as dropped. */
class LostOperation implements Operation {
  readonly span = undefined;
  readonly context = context.active();
  readonly #recorder: Recorder;
  #ended = false;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  succeed(): void {
    if (!this.#ended) this.#recorder.drop('invalid_attributes', 1);
    this.#ended = true;
  }

  fail(): void {
    this.succeed();
  }
}

class RunningOperation implements Operation {
  readonly #operations: OperationSet;
  readonly #name: string;
  readonly #span: OperationSpan | undefined;
  readonly #active: Context;
  readonly #start = monotonic();
  #ended = false;

  constructor(operations: OperationSet, name: string, active: Context, span: OperationSpan | undefined) {
    this.#operations = operations;
    this.#name = name;
    this.#active = active;
    this.#span = span;
  }

  get span(): Span | undefined {
    return this.#span?.span;
  }

  get context(): Context {
    return this.#span?.context ?? this.#active;
  }

  succeed(bytes = NaN): void {
    this.#end('success', bytes);
  }

  fail(error: unknown): void {
    this.#end(`error.${errorName(error)}`, NaN, error);
  }

  #end(status: string, bytes: number, error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const moved = this.#operations.end(this.#name, status, this.#start, bytes, this.context);
    this.#span?.end(status, moved, error);
  }
}

/** What a status calls an error. A hostile object must not break the program that only reports it. */
function errorName(error: unknown): string {
  try {
    if (typeof error !== 'object' || error === null) return typeof error;
    const { code, name } = error as { code?: unknown; name?: unknown };
    const className = (error.constructor as { name?: unknown } | undefined)?.name;
    if (typeof className === 'string' && className !== 'Error' && className !== 'Object' && className !== '')
      return className;
    if (typeof name === 'string' && name !== 'Error' && name !== '') return name;
    return typeof code === 'string' && code !== '' ? code : 'Error';
  } catch {
    return 'Error';
  }
}
