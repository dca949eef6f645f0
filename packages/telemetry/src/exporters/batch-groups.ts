import type { MetricPoints, PointBatch, ResourceDescriptor, ScopeDescriptor } from './exporter.ts';

export interface ScopeGroup {
  readonly scope: ScopeDescriptor;
  readonly metrics: MetricPoints[];
}

export interface ResourceGroup {
  readonly resource: ResourceDescriptor;
  readonly scopes: ScopeGroup[];
}

/** Groups the metrics of a batch by resource and scope, in the batch's order. */
export function groupByResource(batch: PointBatch): ResourceGroup[] {
  const groups: ResourceGroup[] = [];
  for (const metric of batch.metrics) {
    let group = groups.at(-1);
    if (group?.resource !== metric.resource) {
      group = { resource: metric.resource, scopes: [] };
      groups.push(group);
    }
    const last = group.scopes.at(-1);
    if (last !== undefined && sameScope(last.scope, metric.scope)) last.metrics.push(metric);
    else group.scopes.push({ scope: metric.scope, metrics: [metric] });
  }
  return groups;
}

function sameScope(a: ScopeDescriptor, b: ScopeDescriptor): boolean {
  return a === b || (a.name === b.name && a.version === b.version && a.schemaUrl === b.schemaUrl);
}
