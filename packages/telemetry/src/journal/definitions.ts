/**
 * Definitions: what makes a journal readable with no other state. They lie in its `definitions` file, written before
 * the first frame that refers to them.
 *
 * In: JSON of a frame. Out: typed definitions. Invariant: ids are dense, in the order of definition.
 * On failure: an entry that does not fit is left out, and frames that refer to it count as corrupt.
 */
import type { MetricsConfig, SignalConfig, TracesConfig } from '../config/signals.ts';
import { decodeIdentity, type ProcessIdentity } from '../tree/identity.ts';
import type { EncodedAttributes } from './attributes.ts';

const INSTRUMENT_KINDS = [
  'gauge',
  'counter',
  'up_down_counter',
  'histogram',
  'observable_gauge',
  'observable_counter',
  'observable_up_down_counter',
  'operation',
] as const;
export type InstrumentKind = (typeof INSTRUMENT_KINDS)[number];

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
  readonly configuration: SignalConfig;
}

export interface Definitions {
  readonly instruments?: readonly InstrumentDefinition[];
  readonly series?: readonly SeriesDefinition[];
}

type Unknown<T> = Partial<Record<keyof T, unknown>>;

/** The first frame of a journal; `undefined` where it does not say who writes, or for whom. */
export function readJournalDefinition(value: unknown): JournalDefinition | undefined {
  const { writer, configuration } = fieldsOf<JournalDefinition>(value);
  const { process, threadId, startedAtMillis, resource } = fieldsOf<WriterDescriptor>(writer);
  const isWhole =
    decodeIdentity(JSON.stringify(process ?? null)) !== undefined &&
    Number.isInteger(threadId) &&
    Number.isFinite(startedAtMillis) &&
    Array.isArray(resource) &&
    isConfiguration(configuration);
  return isWhole ? (value as JournalDefinition) : undefined;
}

function isConfiguration(value: unknown): boolean {
  const { signal, exporter } = fieldsOf<SignalConfig>(value);
  if (typeof fieldsOf<SignalConfig['exporter']>(exporter).type !== 'string') return false;
  if (signal === 'traces') {
    const processor = fieldsOf<TracesConfig['processor']>(fieldsOf<TracesConfig>(value).processor);
    return [processor.scheduleDelayMillis, processor.exportTimeoutMillis].every(isMillis);
  }
  const { reader, resampling, cardinalityLimit } = fieldsOf<MetricsConfig>(value);
  const { instruments } = fieldsOf<MetricsConfig['resampling']>(resampling);
  return (
    (signal === 'metrics' || signal === undefined) &&
    isPolicy(resampling) &&
    (instruments === undefined || (Array.isArray(instruments) && instruments.every(isNamedPolicy))) &&
    (cardinalityLimit === undefined || isWithin(cardinalityLimit, 1, Infinity)) &&
    INTERVALS.every((name) => isMillis(fieldsOf<MetricsConfig['reader']>(reader)[name]))
  );
}

/** Of a resampling; one that is not known passes, and keeps every sample. */
function isPolicy(value: unknown): boolean {
  const { type, factor, maxBuckets, maxScale, boundaries } = fieldsOf<Record<string, unknown>>(value);
  if (type === 'decimation') return isWithin(factor, 1, Infinity);
  if (type === 'explicit_bucket_histogram') return areBoundaries(boundaries);
  if (type !== 'exponential_histogram') return typeof type === 'string';
  return isWithin(maxBuckets, 2, MAX_BUCKETS) && isWithin(maxScale, -10, 20);
}

function isNamedPolicy(value: unknown): boolean {
  return typeof fieldsOf<{ name: string }>(value).name === 'string' && isPolicy(value);
}

/** What a definitions frame defines, instruments first. */
export function readDefinitions(value: unknown): Required<Definitions> {
  const { instruments, series } = fieldsOf<Definitions>(value);
  return { instruments: listOf(instruments).filter(isInstrument), series: listOf(series).filter(isSeries) };
}

/** Of an exponential histogram: whatever the file says, a server must not be made to reserve more. */
const MAX_BUCKETS = 4096;

const INTERVALS = ['collectIntervalMillis', 'exportIntervalMillis', 'exportTimeoutMillis'] as const;

function isInstrument(value: unknown): value is InstrumentDefinition {
  const { id, kind, scope, name, unit, description, valueType, boundaries } =
    fieldsOf<InstrumentDefinition>(value);
  const { name: scopeName, version, schemaUrl } = fieldsOf<InstrumentDefinition['scope']>(scope);
  return (
    Number.isInteger(id) &&
    INSTRUMENT_KINDS.some((known) => known === kind) &&
    [scopeName, name, unit, description].every((text) => typeof text === 'string') &&
    [version, schemaUrl].every((text) => text === undefined || typeof text === 'string') &&
    (valueType === 'int' || valueType === 'double') &&
    (kind === 'histogram' ? areBoundaries(boundaries) : boundaries === undefined)
  );
}

function areBoundaries(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((bound, index) => Number.isFinite(bound) && (index === 0 || value[index - 1] < bound))
  );
}

function isSeries(value: unknown): value is SeriesDefinition {
  const { id, instrument, attributes } = fieldsOf<SeriesDefinition>(value);
  return Number.isInteger(id) && Number.isInteger(instrument) && Array.isArray(attributes);
}

const isWithin = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;

const isMillis = (value: unknown): boolean =>
  typeof value === 'number' && value > 0 && Number.isFinite(value);

const fieldsOf = <T>(value: unknown): Unknown<T> =>
  typeof value === 'object' && value !== null ? value : {};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
