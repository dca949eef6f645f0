/**
 * Requests of spans: collected in the order of the journals, grouped by process.
 *
 * Invariant: the same spans in the same order give the same batch, and the same request splits the same way.
 */
import type { ResourceDescriptor } from '../exporters/exporter.ts';
import type { ResourceSpans, SpanBatch, SpanRecord } from '../exporters/spans.ts';
import { NOBODY, type Request } from './signal.ts';

/** Well under the Collector's default of 20 MiB for a body. */
const MAX_BYTES = 4 * 1024 * 1024;

interface Entry {
  readonly span: SpanRecord;
  readonly owner: number;
}

export class SpanRequestBuilder {
  readonly #maxSpans: number;
  #byResource = new Map<ResourceDescriptor, Entry[]>();
  #journals = new Map<string, number>();
  #spans = 0;
  #bytes = 0;

  constructor(maxSpans: number) {
    this.#maxSpans = maxSpans;
  }

  get isFull(): boolean {
    return this.#spans >= this.#maxSpans || this.#bytes >= MAX_BYTES;
  }

  get isEmpty(): boolean {
    return this.#spans === 0;
  }

  /** Adds a span, a unit of `journal` if that is given. The caller seals the request when it is full. */
  add(resource: ResourceDescriptor, span: SpanRecord, journal?: string): void {
    let entries = this.#byResource.get(resource);
    if (entries === undefined) this.#byResource.set(resource, (entries = []));
    entries.push({ span, owner: journal === undefined ? NOBODY : this.#owner(journal) });
    this.#spans++;
    this.#bytes += JSON.stringify(span).length;
  }

  /** Gives out what was collected, and starts anew. */
  seal(): Request<SpanBatch> {
    const groups = [...this.#byResource];
    const resources = groups.map(([resource, entries]) => ({
      resource,
      spans: entries.map(({ span }) => span),
    }));
    const owners = Uint32Array.from(groups.flatMap(([, entries]) => entries.map(({ owner }) => owner)));
    const request = {
      batch: { resources, spans: this.#spans },
      owners,
      journals: [...this.#journals.keys()],
    };
    this.#byResource = new Map();
    this.#journals = new Map();
    this.#spans = 0;
    this.#bytes = 0;
    return request;
  }

  #owner(journal: string): number {
    const known = this.#journals.get(journal);
    if (known !== undefined) return known;
    const owner = this.#journals.size;
    this.#journals.set(journal, owner);
    return owner;
  }
}

/** Two halves of a request. */
export function halveSpans(request: Request<SpanBatch>): [Request<SpanBatch>, Request<SpanBatch>] {
  const half = Math.floor(request.batch.spans / 2);
  return [cut(request, 0, half), cut(request, half, request.batch.spans)];
}

/** One request per process. */
export function spansByResource(request: Request<SpanBatch>): Request<SpanBatch>[] {
  let from = 0;
  return request.batch.resources.map(({ spans }) => cut(request, from, (from += spans.length)));
}

function cut({ batch, owners, journals }: Request<SpanBatch>, from: number, to: number): Request<SpanBatch> {
  const resources: ResourceSpans[] = [];
  let seen = 0;
  for (const { resource, spans } of batch.resources) {
    const inside = spans.slice(Math.max(0, from - seen), Math.max(0, to - seen));
    if (inside.length > 0) resources.push({ resource, spans: inside });
    seen += spans.length;
  }
  return { batch: { resources, spans: to - from }, owners: owners.subarray(from, to), journals };
}
