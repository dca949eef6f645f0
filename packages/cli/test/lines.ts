import type { OtlpAttribute, OtlpLine, OtlpMetric, OtlpPoint } from '../src/otlp-lines.ts';

export interface Of {
  readonly operation?: string;
  readonly status?: string;
  readonly pid?: number;
  readonly threadId?: number;
}

/** A point as the `file` exporter writes it. */
export function point(of: Of, value: number, atSeconds = 0): OtlpPoint {
  const attributes: OtlpAttribute[] = [
    { key: 'multistorageclient.provider', value: { stringValue: 'file' } },
    { key: 'multistorageclient.operation', value: { stringValue: of.operation ?? 'read' } },
  ];
  if (of.status !== '') {
    attributes.push({ key: 'multistorageclient.status', value: { stringValue: of.status ?? 'success' } });
  }
  if (of.pid !== undefined) attributes.push({ key: 'process.pid', value: { intValue: String(of.pid) } });
  if (of.threadId !== undefined)
    attributes.push({ key: 'thread.id', value: { intValue: String(of.threadId) } });
  return {
    attributes,
    timeUnixNano: String(BigInt(Math.round(atSeconds * 1e3)) * 1_000_000n),
    asDouble: value,
  };
}

/** A line with these points, by the name of the metric without its prefix. */
export function line(metrics: Readonly<Record<string, readonly OtlpPoint[]>>, instance = 'tree'): OtlpLine {
  const resource = { attributes: [{ key: 'service.instance.id', value: { stringValue: instance } }] };
  const all = Object.entries(metrics).map(([name, dataPoints]) => ({
    name: `multistorageclient.${name}`,
    [name.endsWith('.sum') ? 'sum' : 'gauge']: { dataPoints },
  }));
  return { resourceMetrics: [{ resource, scopeMetrics: [{ metrics: all }] }] };
}

/** A line with one exponential histogram. */
export function exponential(
  name: string,
  exponentialHistogram: NonNullable<OtlpMetric['exponentialHistogram']>,
): OtlpLine {
  return { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name, exponentialHistogram }] }] }] };
}
