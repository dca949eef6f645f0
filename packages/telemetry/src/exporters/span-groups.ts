import type { ScopeDescriptor } from './exporter.ts';
import type { SpanRecord } from './spans.ts';

export interface ScopeSpans {
  readonly scope: ScopeDescriptor;
  readonly spans: SpanRecord[];
}

/** Spans by their scope, in the order in which the scopes first occur. */
export function groupByScope(spans: readonly SpanRecord[]): ScopeSpans[] {
  const groups = new Map<string, ScopeSpans>();
  for (const span of spans) {
    const { name, version, schemaUrl } = span.scope;
    const key = JSON.stringify([name, version, schemaUrl]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { scope: span.scope, spans: [span] });
    else group.spans.push(span);
  }
  return [...groups.values()];
}

const CONTEXT_HAS_IS_REMOTE = 0x100;
const CONTEXT_IS_REMOTE = 0x200;

/** OTLP's flags: those of W3C, and whether the parent was in another process. */
export function otlpFlags(flags: number, isRemote: boolean | undefined): number {
  return (flags & 0xff) | CONTEXT_HAS_IS_REMOTE | (isRemote === true ? CONTEXT_IS_REMOTE : 0);
}
