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
import { VERSION } from '../version.ts';
import { attributeIndex, type AttributeIndex } from './attributes.ts';
import { monotonic } from './clock.ts';
import { defineInstruments, OperationSet, type OperationKind } from './operation-kind.ts';
import { startSpan, type OperationSpan } from './operation-span.ts';
import type { Recorder } from './recorder.ts';

/** What an operation does, as the Multi-Storage Client names it. */
export type OperationName = 'read' | 'write' | 'copy' | 'delete' | 'info' | 'list' | 'delete_many';

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
    if (set === undefined) return new LostOperation(this.#recorder);
    const kind = set.kind(name);
    kind.begin();
    const active = context.active();
    const tracer = this.#tracer;
    const span = tracer === undefined ? undefined : startSpan(tracer, name, kind.attributes, active);
    return new RunningOperation(kind, active, span);
  }

  /** One operation has the same attributes from its start to its end, dynamic ones included. */
  #find(): OperationSet | undefined {
    const set = this.#sets.get(this.#given);
    if (!this.#isDynamic) this.#only = set;
    return set;
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
  readonly #kind: OperationKind;
  readonly #active: Context;
  readonly #span: OperationSpan | undefined;
  readonly #start = monotonic();
  #ended = false;

  constructor(kind: OperationKind, active: Context, span: OperationSpan | undefined) {
    this.#kind = kind;
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
    if (this.#ended) return;
    this.#ended = true;
    const moved = this.#kind.succeed(this.#start, bytes, this.context);
    this.#span?.end('success', moved);
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const status = `error.${errorName(error)}`;
    this.#kind.fail(status, this.#start, this.context);
    this.#span?.end(status, NaN, error);
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
