/**
 * Definitions: what makes a journal readable with no other state. They lie in its `definitions` file, written before
 * the first frame that refers to them.
 *
 * In: JSON of a frame. Out: typed definitions. Invariant: ids are dense, in the order of definition.
 * On failure: an entry that does not fit is left out, and frames that refer to it count as corrupt.
 */
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { MetricsConfig } from '../config/metrics.ts';
import type { ProcessIdentity } from '../tree/identity.ts';

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

type Encoded = AttributeValue | { readonly number: 'NaN' | 'Infinity' | '-Infinity' | '-0' };
/** Pairs and not an object, so that a key such as `__proto__` is only a key; JSON has no NaN. */
export type EncodedAttributes = readonly (readonly [key: string, value: Encoded])[];

export function encodeAttributes(attributes: Attributes): EncodedAttributes {
  const pairs: [string, Encoded][] = [];
  for (const key of Object.keys(attributes)) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
      const number = Object.is(value, -0) ? '-0' : (String(value) as 'NaN');
      pairs.push([key, { number }]);
    } else {
      pairs.push([key, value as Encoded]);
    }
  }
  return pairs;
}

export function decodeAttributes(pairs: EncodedAttributes): Attributes {
  const attributes: Attributes = Object.create(null) as Attributes;
  for (const [key, value] of pairs) {
    attributes[key] =
      typeof value === 'object' && value !== null && 'number' in value ? Number(value.number) : value;
  }
  return attributes;
}
