/**
 * Exported series: the tree's own series, into which the series of all journals are mapped.
 *
 * Instruments under `multistorageclient.` belong to the tree: one resource, summed and merged over processes. All others
 * keep the resource of their process, so that processes never collide (single-writer principle).
 */
import type { Attributes } from '@opentelemetry/api';
import {
  DEFAULT_CARDINALITY_LIMIT,
  type ResamplingConfig,
  type ResamplingPolicy,
} from '../config/signals.ts';
import type {
  MetricDescriptor,
  MetricPoints,
  ResourceDescriptor,
  ScopeDescriptor,
  Temporality,
} from '../exporters/exporter.ts';
import type { SeriesAttributes } from '../exporters/number-range.ts';
import type { InstrumentDefinition, InstrumentKind } from '../journal/definitions.ts';
import { TREE_PREFIX } from '../names.ts';
import { canonicalAttributes } from '../record/attributes.ts';
import { OVERFLOW_ATTRIBUTES } from '../record/cardinality.ts';
import { resamplingOf } from '../resample/policy.ts';
import { AdmittedSets } from './admitted-sets.ts';

export interface Metric {
  /** Begins with its resource and scope, so that sorting by it brings those together, in any process. */
  readonly key: string;
  /** `''` for the tree's own resource. */
  readonly resourceKey: string;
  readonly resource: ResourceDescriptor;
  readonly scope: ScopeDescriptor;
  readonly descriptor: MetricDescriptor;
  readonly kind: MetricPoints['kind'];
  readonly monotonic: boolean;
  readonly temporality: Temporality;
  /** Of a gauge; `none` for all else. */
  readonly resampling: ResamplingPolicy;
  /** Of the buckets of an explicit histogram; none for all else. */
  readonly boundaries: readonly number[];
  readonly admitted: AdmittedSets;
  /** The instrument it was made from, for the checkpoint. */
  readonly instrument: InstrumentDefinition;
  /** For the index alone: its series, by canonical attributes. */
  readonly series: Map<string, ExportedSeries>;
}

export interface ExportedSeries extends SeriesAttributes {
  readonly metric: Metric;
  /** About what the attributes take in a request. */
  readonly attributeBytes: number;
  /** For all attribute sets beyond the cardinality limit. */
  readonly isOverflow: boolean;
  /** For the request builder alone: its place in the request that is being built, or was built last. */
  slot: number;
}

/** Attribute sets of raw samples in the checkpoint: those of aggregates are there with them. */
export interface AdmittedState {
  readonly resource: string;
  readonly metric: string;
  readonly sets: string;
}

export interface SeriesOptions {
  /** Whether all instruments belong to the tree, and none to its process. */
  readonly isMerged?: boolean;
  /** Default `none`. */
  readonly resampling?: ResamplingConfig;
  /** Series per metric, the one for the overflow included. Default 2000. */
  readonly cardinalityLimit?: number;
  readonly admitted?: readonly AdmittedState[];
}

type TemporalityOf = (kind: 'counter' | 'up_down_counter' | 'histogram') => Temporality;

const OVERFLOW = canonicalAttributes(OVERFLOW_ATTRIBUTES);
const NOT_RESAMPLED: ResamplingPolicy = { type: 'none' };

/** All series of one configuration. */
export class SeriesIndex {
  readonly #treeResource: ResourceDescriptor;
  readonly #temporality: TemporalityOf;
  readonly #isMerged: boolean;
  readonly #metrics = new Map<string, Metric>();
  readonly #resampling: ResamplingConfig;
  readonly #cardinalityLimit: number;
  /** Of raw samples, by metric: also of those that were not heard of since the restart. */
  readonly #admitted = new Map<string, { readonly resource: string; readonly sets: AdmittedSets }>();

  constructor(treeResource: ResourceDescriptor, temporality: TemporalityOf, options: SeriesOptions = {}) {
    this.#isMerged = options.isMerged ?? false;
    this.#treeResource = treeResource;
    this.#temporality = temporality;
    this.#resampling = options.resampling ?? { type: 'none' };
    this.#cardinalityLimit = options.cardinalityLimit ?? DEFAULT_CARDINALITY_LIMIT;
    for (const { resource, metric, sets } of options.admitted ?? []) {
      this.#admitted.set(metric, { resource, sets: new AdmittedSets(sets) });
    }
  }

  /** The series of an instrument of a process with an attribute set; the same object for the same identity. */
  series(
    resourceKey: string,
    resource: ResourceDescriptor,
    instrument: InstrumentDefinition,
    attributes: Attributes,
  ): ExportedSeries {
    const isTrees = this.#isMerged || instrument.name.startsWith(TREE_PREFIX);
    const metric = this.#metric(
      isTrees ? '' : resourceKey,
      isTrees ? this.#treeResource : resource,
      instrument,
    );
    const text = canonicalAttributes(attributes);
    const known = metric.series.get(text);
    if (known !== undefined) return known;
    const isAdmitted = text !== OVERFLOW && metric.admitted.admits(text, this.#cardinalityLimit);
    return isAdmitted ? create(metric, attributes, text) : overflowOf(metric);
  }

  /** JSON, for the checkpoint. */
  get state(): string {
    const states = [...this.#admitted].map(([metric, { resource, sets }]) => ({
      resource,
      metric,
      sets: sets.state,
    }));
    return JSON.stringify(states satisfies AdmittedState[]);
  }

  /** Forgets the series of a process that is gone. */
  forget(resourceKey: string): void {
    for (const [key, metric] of this.#metrics) {
      if (metric.resourceKey === resourceKey) this.#metrics.delete(key);
    }
    for (const [key, { resource }] of this.#admitted) {
      if (resource === resourceKey) this.#admitted.delete(key);
    }
  }

  /** Those of aggregates are in the checkpoint with them. */
  #admittedOf(resource: string, metric: string, isRaw: boolean): AdmittedSets {
    const known = this.#admitted.get(metric)?.sets;
    if (known !== undefined) return known;
    const sets = new AdmittedSets();
    if (isRaw) this.#admitted.set(metric, { resource, sets });
    return sets;
  }

  #metric(resourceKey: string, resource: ResourceDescriptor, instrument: InstrumentDefinition): Metric {
    const { scope, name, unit, valueType, boundaries } = instrument;
    const isGauge = instrument.kind === 'gauge' || instrument.kind === 'observable_gauge';
    const resampling = isGauge ? resamplingOf(this.#resampling, name) : NOT_RESAMPLED;
    const kind = pointKind(instrument.kind, resampling);
    const group = JSON.stringify([resourceKey, scope.name, scope.version, scope.schemaUrl]);
    const monotonic = instrument.kind === 'counter' || instrument.kind === 'observable_counter';
    // Gauges have no state that would remember across restarts whose spelling and description came first.
    const names = kind === 'gauge' ? [name, instrument.description] : [name.toLowerCase()];
    const kinds = isGauge ? kind : instrument.kind;
    const key = JSON.stringify([group, ...names, unit, kinds, valueType, boundaries]);
    let metric = this.#metrics.get(key);
    if (metric === undefined) {
      metric = {
        key,
        resourceKey,
        resource,
        scope,
        descriptor: {
          name,
          description: instrument.description,
          unit,
          // Numbers of the API's ValueType.
          valueType: valueType === 'int' ? 0 : 1,
        },
        kind,
        monotonic,
        temporality: this.#temporalityOf(isGauge ? 'histogram' : instrument.kind),
        resampling,
        boundaries:
          resampling.type === 'explicit_bucket_histogram' ? resampling.boundaries : (boundaries ?? []),
        admitted: this.#admittedOf(resourceKey, key, kind === 'gauge' && resampling.type === 'none'),
        instrument,
        series: new Map(),
      };
      this.#metrics.set(key, metric);
    }
    return metric;
  }

  #temporalityOf(kind: InstrumentKind): Temporality {
    if (kind === 'histogram') return this.#temporality('histogram');
    if (kind === 'counter' || kind === 'observable_counter') return this.#temporality('counter');
    return this.#temporality('up_down_counter');
  }
}

function create(metric: Metric, attributes: Attributes, text: string): ExportedSeries {
  const series = {
    metric,
    attributes: sorted(attributes),
    attributeBytes: text.length,
    isOverflow: text === OVERFLOW,
    slot: 0,
    encoded: undefined,
  };
  metric.series.set(text, series);
  return series;
}

function overflowOf(metric: Metric): ExportedSeries {
  return metric.series.get(OVERFLOW) ?? create(metric, OVERFLOW_ATTRIBUTES, OVERFLOW);
}

/**
 * In an order that does not depend on who came first: the same request after a restart is the same bytes. Journals have
 * them in this order, and then the object is shared: it is most of what a series takes.
 */
function sorted(attributes: Attributes): Attributes {
  const keys = Object.keys(attributes);
  if (keys.every((key, at) => at === 0 || keys[at - 1] <= key)) return attributes;
  const copy = Object.create(null) as Attributes;
  for (const key of keys.toSorted()) copy[key] = attributes[key];
  return copy;
}

function pointKind(kind: InstrumentKind, { type }: ResamplingPolicy): MetricPoints['kind'] {
  if (kind === 'gauge' || kind === 'observable_gauge') {
    if (type === 'exponential_histogram') return type;
    return type === 'explicit_bucket_histogram' ? 'histogram' : 'gauge';
  }
  return kind === 'histogram' ? 'histogram' : 'sum';
}
