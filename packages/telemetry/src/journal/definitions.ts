/**
 * Definitions: what makes a journal readable with no other state. They lie in its `definitions` file, written before
 * the first frame that refers to them.
 *
 * In: JSON of a frame. Out: typed definitions. Invariant: ids are dense, in the order of definition.
 * On failure: an entry that does not fit is left out, and frames that refer to it count as corrupt.
 */
import type { MetricsConfig } from '../config/metrics.ts';
import type { ProcessIdentity } from '../tree/identity.ts';
import type { EncodedAttributes } from './attributes.ts';

export type InstrumentKind =
  | 'gauge'
  | 'counter'
  | 'up_down_counter'
  | 'histogram'
  | 'observable_gauge'
  | 'observable_counter'
  | 'observable_up_down_counter'
  | 'operation';

export interface InstrumentDefinition {
  readonly id: number;
  readonly kind: InstrumentKind;
  readonly scope: { readonly name: string; readonly version?: string; readonly schemaUrl?: string };
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly valueType: 'int' | 'double';
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly boundaries?: readonly number[];
}

export interface SeriesDefinition {
  readonly id: number;
  /** Id of its instrument. */
  readonly instrument: number;
  readonly attributes: EncodedAttributes;
}

/** Who writes a journal: one thread of one process. */
export interface WriterDescriptor {
  readonly process: ProcessIdentity;
  readonly threadId: number;
  /** Epoch milliseconds; its sums start here. */
  readonly startedAtMillis: number;
  /** Resource of the process: for all instruments but those of the tree. */
  readonly resource: EncodedAttributes;
}

export interface JournalDefinition {
  readonly writer: WriterDescriptor;
  readonly configuration: MetricsConfig;
}

export interface Definitions {
  readonly instruments?: readonly InstrumentDefinition[];
  readonly series?: readonly SeriesDefinition[];
}
