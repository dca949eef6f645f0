/**
 * Endpoint: `/metrics` of a whole process tree, over HTTP.
 *
 * In: stores, and how to bring each up to date. Out: the text of a scrape.
 * Invariant: a scrape shows what every process had recorded when it began, as far as that was in the journals.
 * On failure: a port that is taken is tried again every second, and said once; a store that cannot be brought up to date in
 * time shows what it has. Nothing here keeps the process alive.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Attributes } from '@opentelemetry/api';
import type { PrometheusConfig } from '../config/signals.ts';
import type { Family, PrometheusStore } from './store.ts';
import { CONTENT_TYPE, renderText } from './text.ts';

const { clearTimeout, setTimeout } = globalThis;

const RETRY_MILLIS = 1000;
/** Prometheus gives up after 10 seconds by default. */
const REFRESH_TIMEOUT_MILLIS = 5000;
/** Each may hold the text of a scrape in memory, for as long as its reader reads none of it. */
const MAX_CONNECTIONS = 64;
const IDLE_MILLIS = 30_000;

/** One configuration's series. */
export interface Source {
  readonly store: PrometheusStore;
  /** Resolves when what is recorded so far is in the store. */
  readonly refresh: () => Promise<unknown>;
}

export interface EndpointOptions extends PrometheusConfig {
  readonly resource: Attributes;
  readonly log: (message: string) => void;
  /** Called when `url` or `error` has changed. */
  readonly onChange: () => void;
}

export class PrometheusEndpoint {
  readonly #options: EndpointOptions;
  readonly #sources = new Map<string, Source>();
  readonly #server: Server;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Where it listens. */
  url: string | undefined;
  error: Error | undefined;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        options.log(`/metrics cannot be answered: ${String(error)}`);
        response.destroy();
      });
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(IDLE_MILLIS);
    this.#server.on('connection', (socket) => socket.unref());
    this.#server.on('listening', () => this.#listens());
    this.#server.on('error', (error) => this.#fails(error));
    this.#listen();
  }

  /** Adds, or replaces, the source of a configuration. */
  add(name: string, source: Source): void {
    this.#sources.set(name, source);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }

  #listen(): void {
    const { port, host } = this.#options;
    this.#server.listen({ port, host });
    this.#server.unref();
  }

  #listens(): void {
    const { address, port, family } = this.#server.address() as AddressInfo;
    this.url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/metrics`;
    this.error = undefined;
    this.#options.onChange();
  }

  #fails(error: NodeJS.ErrnoException): void {
    const { host, port, log, onChange } = this.#options;
    const why = error.code ?? error.message;
    const message = `/metrics cannot be served at ${host}:${port} (${why}); it is tried again`;
    if (this.error?.message !== message) log(message);
    this.error = new Error(message);
    onChange();
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => this.#listen(), RETRY_MILLIS).unref();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Not parsed as a URL: there are request targets that are none.
    const [target] = (request.url ?? '').split('?', 1);
    if (target !== '/metrics') {
      response
        .writeHead(404, { 'content-type': 'text/plain' })
        .end('not found: the metrics are at /metrics\n');
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
    } else {
      await this.#refresh();
      const text = renderText(mergedFamilies([...this.#sources.values()]), this.#options.resource);
      response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(request.method === 'HEAD' ? '' : text);
    }
  }

  async #refresh(): Promise<void> {
    const refreshed = Promise.allSettled([...this.#sources.values()].map(({ refresh }) => refresh()));
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, REFRESH_TIMEOUT_MILLIS);
    });
    await Promise.race([refreshed, timedOut]);
    clearTimeout(timer);
  }
}

/** Several configurations of a tree may be served at one port; of equal series the first configuration's counts. */
function mergedFamilies(sources: readonly Source[]): Family[] {
  const merged = new Map<string, Family>();
  for (const { store } of sources) {
    for (const family of store.families) {
      const known = merged.get(family.name);
      if (known !== undefined && known.type !== family.type) continue;
      const series = new Map([...family.series, ...(known?.series ?? [])]);
      merged.set(family.name, { ...(known ?? family), series });
    }
  }
  return [...merged.values()];
}
