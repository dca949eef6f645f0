/**
 * Spans as they were exported: OTLP JSON lines of the exporter `file`, and what must be true of them.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { TracesOptions } from '../../src/config/traces.ts';
import type { Scene } from './scene.ts';

export interface ExportedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  /** `process.pid` of its resource. */
  readonly pid: number;
}

interface Line {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly {
        readonly key: string;
        readonly value: { readonly intValue?: string };
      }[];
    };
    readonly scopeSpans: readonly { readonly spans: readonly Omit<ExportedSpan, 'pid'>[] }[];
  }[];
}

const fileOf = (scene: Scene): string => path.join(scene.root, 'spans.jsonl');

/** Traces that leave every 100 ms. */
export function tracesTo(scene: Scene): TracesOptions {
  return {
    exporter: { type: 'file', options: { path: fileOf(scene) } },
    processor: { options: { scheduleDelayMillis: 100 } },
  };
}

/** All spans so far, in the order of their export; fails where one has come twice. */
export function exportedSpans(scene: Scene): ExportedSpan[] {
  const text = existsSync(fileOf(scene)) ? readFileSync(fileOf(scene), 'utf8') : '';
  // The last line may still be written.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  const spans = lines.filter(Boolean).flatMap((line) =>
    (JSON.parse(line) as Line).resourceSpans.flatMap(({ resource, scopeSpans }) => {
      const pid = resource.attributes.find(({ key }) => key === 'process.pid')?.value.intValue;
      return scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, pid: Number(pid) })));
    }),
  );
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length, 'spans came twice');
  return spans;
}

/** Names of parents by the names of spans; all are of one trace. */
export function parentsIn(spans: readonly ExportedSpan[]): Record<string, string | undefined> {
  assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1, 'traces');
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  const entries = spans.map(({ name, parentSpanId }) => {
    if (parentSpanId !== undefined) assert.ok(names.has(parentSpanId), `the parent of ${name} has arrived`);
    return [name, names.get(parentSpanId ?? '')] as const;
  });
  return Object.fromEntries(entries);
}

/** Status codes by name: 0 where none was set, 2 for an error. */
export function statusesOf(spans: readonly ExportedSpan[]): Record<string, number> {
  return Object.fromEntries(spans.map(({ name, status }) => [name, status.code ?? 0]));
}
