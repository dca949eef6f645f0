/**
 * Exported series: the tree's own series, into which the series of all journals are mapped.
 *
 * Instruments under `multistorageclient.` belong to the tree: one resource, summed and merged over processes. All others
 * keep the resource of their process, so that processes never collide (single-writer principle).
 */
import type { Attributes } from '@opentelemetry/api';
import type {
  MetricDescriptor,
  ResourceDescriptor,
  ScopeDescriptor,
  Temporality,
} from '../exporters/exporter.ts';
import type { InstrumentDefinition, InstrumentKind } from '../journal/definitions.ts';
import { TREE_PREFIX } from '../names.ts';
import { canonicalAttributes } from '../record/attributes.ts';

export interface Metric {
  /** Begins with its resource and scope, so that sorting by it brings those together, in any process. */
  readonly key: string;
  /** `''` for the tree's own resource. */
  readonly resourceKey: string;
  readonly resource: ResourceDescriptor;
  readonly scope: ScopeDescriptor;
  readonly descriptor: MetricDescriptor;
  readonly kind: 'gauge' | 'sum' | 'histogram';
  readonly monotonic: boolean;
  readonly temporality: Temporality;
  /** The instrument it was made from, for the checkpoint. */
  readonly instrument: InstrumentDefinition;
}

export interface ExportedSeries {
  readonly key: string;
  readonly metric: Metric;
  readonly attributes: Attributes;
  /** About what the attributes take in a request. */
  readonly attributeBytes: number;
}

type TemporalityOf = (kind: 'counter' | 'up_down_counter' | 'histogram') => Temporality;

/** All series of one configuration. */
export class SeriesIndex {
  readonly #treeResource: ResourceDescriptor;
  readonly #temporality: TemporalityOf;
  readonly #isMerged: boolean;
  readonly #metrics = new Map<string, Metric>();
  readonly #series = new Map<string, ExportedSeries>();

  /** @param isMerged whether all instruments belong to the tree, and none to its process. */
  constructor(treeResource: ResourceDescriptor, temporality: TemporalityOf, isMerged = false) {
    this.#isMerged = isMerged;
    this.#treeResource = treeResource;
    this.#temporality = temporality;
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
    const key = `${metric.key}|${text}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { key, metric, attributes: sorted(attributes), attributeBytes: text.length };
      this.#series.set(key, series);
    }
    return series;
  }

  /** Forgets the series of a process that is gone. */
  forget(resourceKey: string): void {
    for (const [key, { metric }] of this.#series) {
      if (metric.resourceKey === resourceKey) this.#series.delete(key);
    }
    for (const [key, metric] of this.#metrics) {
      if (metric.resourceKey === resourceKey) this.#metrics.delete(key);
    }
  }

  #metric(resourceKey: string, resource: ResourceDescriptor, instrument: InstrumentDefinition): Metric {
    const { scope, name, unit, valueType, boundaries } = instrument;
    const kind = pointKind(instrument.kind);
    const group = JSON.stringify([resourceKey, scope.name, scope.version, scope.schemaUrl]);
    const monotonic = instrument.kind === 'counter' || instrument.kind === 'observable_counter';
    // Gauges have no state that would remember across restarts whose spelling and description came first.
    const names = kind === 'gauge' ? [name, instrument.description] : [name.toLowerCase()];
    const kinds = kind === 'gauge' ? kind : instrument.kind;
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
        temporality: this.#temporalityOf(instrument.kind),
        instrument,
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

/** In an order that does not depend on who came first: the same request after a restart is the same bytes. */
function sorted(attributes: Attributes): Attributes {
  const copy = Object.create(null) as Attributes;
  for (const key of Object.keys(attributes).toSorted()) copy[key] = attributes[key];
  return copy;
}

export function pointKind(kind: InstrumentKind): 'gauge' | 'sum' | 'histogram' {
  if (kind === 'gauge' || kind === 'observable_gauge') return 'gauge';
  return kind === 'histogram' ? 'histogram' : 'sum';
}
