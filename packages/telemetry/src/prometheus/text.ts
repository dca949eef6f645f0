/**
 * The text format that Prometheus scrapes (version 0.0.4), from families of series.
 */
import type { Attributes } from '@opentelemetry/api';
import type { HistogramValue } from '../exporters/exporter.ts';
import { labelName } from './names.ts';
import type { Family, StoredSeries } from './store.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** All families, and the resource of the tree as `target_info`. */
export function renderText(families: readonly Family[], resource: Attributes): string {
  const lines = [
    '# HELP target_info Resource of the process tree',
    '# TYPE target_info gauge',
    `target_info${labels(entriesOf(resource))} 1`,
  ];
  for (const { name, type, description, series } of families) {
    if (description !== '') lines.push(`# HELP ${name} ${escapeHelp(description)}`);
    lines.push(`# TYPE ${name} ${type}`);
    const seen = new Set<string>();
    for (const one of series.values()) renderSeries(name, one, seen, lines);
  }
  return `${lines.join('\n')}\n`;
}

type Label = readonly [name: string, value: string];

/** `seen`: labels so far. Attributes that become the same labels would make the whole scrape invalid; the first ones count. */
function renderSeries(
  name: string,
  { scope, attributes, value }: StoredSeries,
  seen: Set<string>,
  lines: string[],
): void {
  const all: Label[] = [...entriesOf(attributes), ['otel_scope_name', scope.name]];
  if (scope.version !== undefined) all.push(['otel_scope_version', scope.version]);
  const text = labels(all);
  if (seen.has(text)) return;
  seen.add(text);
  if (typeof value === 'number') lines.push(`${name}${text} ${numberText(value)}`);
  else renderHistogram(name, value, all, lines);
}

function renderHistogram(name: string, value: HistogramValue, all: readonly Label[], lines: string[]): void {
  let count = 0;
  value.boundaries.forEach((bound, index) => {
    count += value.counts[index];
    lines.push(`${name}_bucket${labels([...all, ['le', numberText(bound)]])} ${count}`);
  });
  lines.push(
    `${name}_bucket${labels([...all, ['le', '+Inf']])} ${value.count}`,
    `${name}_sum${labels(all)} ${numberText(value.sum)}`,
    `${name}_count${labels(all)} ${value.count}`,
  );
}

function entriesOf(attributes: Attributes): Label[] {
  return Object.entries(attributes).map(([key, value]) => [
    // The format's own, of buckets.
    labelName(key) === 'le' ? 'exported_le' : labelName(key),
    typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value),
  ]);
}

/** Keys that become the same label share it, as the specification says. */
function labels(entries: readonly Label[]): string {
  const values = new Map<string, string[]>();
  for (const [name, value] of entries) values.set(name, [...(values.get(name) ?? []), value]);
  if (values.size === 0) return '';
  const parts = [...values].map(([name, all]) => `${name}="${escapeValue(all.join(';'))}"`);
  return `{${parts.join(',')}}`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

function escapeValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
