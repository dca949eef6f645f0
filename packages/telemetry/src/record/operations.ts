/**
 * Operations: one storage operation is one record, from which the server derives all six metrics.
 *
 * In: starts and ends. Out: a start counts in `request.sum` at once; an end is one row with its latency and bytes.
 * Invariant: requests minus responses is what is in flight, or was lost with its process.
 * On failure: never throws; a second end of the same operation does nothing.
 */
import type { Attributes } from '@opentelemetry/api';
import { decodeAttributes, encodeAttributes } from '../journal/attributes.ts';
import { CounterName, METER_NAME, UNITS } from '../names.ts';
import { VERSION } from '../version.ts';
import { monotonic } from './clock.ts';
import type { OperationSeries, Recorder, SumSeries } from './recorder.ts';

/** What an operation does, as the Multi-Storage Client names it. */
export type OperationName = 'read' | 'write' | 'copy' | 'delete' | 'info' | 'list' | 'delete_many';

/** Operations that move data: only their successes have a size and a rate. */
const MOVES_DATA: ReadonlySet<string> = new Set(['read', 'write', 'copy']);

export interface OperationsOptions {
  /** Which storage this is, such as `s3`, `azure`, `gcs`, `file`: attribute `multistorageclient.provider`. */
  readonly provider: string;
  /** More attributes for every metric of these operations; provider, operation, status and version win over them. */
  readonly attributes?: Attributes;
}

/** One operation that is under way. */
export interface Operation {
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

export class RecordingOperations implements Operations {
  readonly #recorder: Recorder;
  readonly #attributes: Attributes;
  readonly #instruments: Readonly<Record<'operation' | 'request' | 'response' | 'bytes', number>>;
  readonly #requests = new Map<string, SumSeries>();
  readonly #series = new Map<string, OperationSeries>();

  constructor(recorder: Recorder, { provider, attributes }: OperationsOptions) {
    this.#recorder = recorder;
    this.#attributes = {
      // A copy of all that lies in them, so that no later start or end can fail or differ.
      ...decodeAttributes(encodeAttributes(attributes ?? {})),
      'multistorageclient.version': VERSION,
      'multistorageclient.provider': provider,
    };
    const scope = { name: METER_NAME };
    const define = (kind: 'counter' | 'operation', name: string, unit: string, valueType: 'int' | 'double') =>
      recorder.defineInstrument({ kind, scope, name, unit, description: '', valueType });
    const counter = (name: CounterName) => define('counter', name, UNITS[name], 'double');
    this.#instruments = {
      operation: define('operation', 'multistorageclient.operation', '', 'double'),
      request: counter(CounterName.REQUEST_SUM),
      response: counter(CounterName.RESPONSE_SUM),
      bytes: counter(CounterName.DATA_SIZE_SUM),
    };
  }

  start(name: OperationName): Operation {
    let requests = this.#requests.get(name);
    if (requests === undefined) {
      requests = this.#sum(this.#instruments.request, {
        ...this.#attributes,
        'multistorageclient.operation': name,
      });
      this.#requests.set(name, requests);
    }
    this.#recorder.add(requests, 1, 0);
    return new RunningOperation(this, name);
  }

  /** For `RunningOperation` only. */
  end(name: string, status: string, start: readonly [number, number], bytes: number): void {
    const now = monotonic();
    const latencyNanos = (now[0] - start[0]) * 1e9 + (now[1] - start[1]);
    const series = this.#seriesOf(name, status);
    const hasMoved = status === 'success' && MOVES_DATA.has(name) && Number.isFinite(bytes) && bytes >= 0;
    this.#recorder.operation(series.id, now, latencyNanos, hasMoved ? bytes : NaN);
  }

  #seriesOf(name: string, status: string): OperationSeries {
    const key = `${name} ${status}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      const attributes = {
        ...this.#attributes,
        'multistorageclient.operation': name,
        'multistorageclient.status': status,
      };
      const once = (instrument: number): (() => SumSeries) => {
        let sum: SumSeries | undefined;
        return () => (sum ??= this.#sum(instrument, attributes));
      };
      series = {
        id: this.#recorder.defineSeries(this.#instruments.operation, encodeAttributes(attributes)),
        responses: once(this.#instruments.response),
        bytes: once(this.#instruments.bytes),
      };
      this.#recorder.defineOperation(series);
      this.#series.set(key, series);
    }
    return series;
  }

  #sum(instrument: number, attributes: Attributes): SumSeries {
    return { id: this.#recorder.defineSeries(instrument, encodeAttributes(attributes)), row: 0, epoch: 0 };
  }
}

class RunningOperation implements Operation {
  readonly #operations: RecordingOperations;
  readonly #name: string;
  readonly #start = monotonic();
  #ended = false;

  constructor(operations: RecordingOperations, name: string) {
    this.#operations = operations;
    this.#name = name;
  }

  succeed(bytes = NaN): void {
    this.#end('success', bytes);
  }

  fail(error: unknown): void {
    this.#end(`error.${errorName(error)}`, NaN);
  }

  #end(status: string, bytes: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#operations.end(this.#name, status, this.#start, bytes);
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
