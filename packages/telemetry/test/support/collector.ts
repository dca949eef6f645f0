/**
 * A real OpenTelemetry Collector: its OTLP receiver takes what an exporter sends, and what it has understood is in a file.
 *
 * In: a test, and the certificates that its receiver is to use. Out: URLs to send to; every point and span of the file.
 * Invariant: a request that was accepted is in the file, so whoever knows that all was accepted need not wait.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { readMetrics, readSpans, type ReceivedPoint, type ReceivedSpan } from './otlp-json.ts';
import { findRealServer, freePort, RunningServer } from './real-servers.ts';

/** Files of the receiver's own certificate and key, and of the one authority whose clients it lets in. */
export interface ReceiverTls {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly clientAuthorityFile: string;
}

export type Protocol = 'http/protobuf' | 'http/json' | 'grpc';

const READY = /Everything is ready/;
/** A free port may be somebody else's by the time the Collector takes it. */
const ATTEMPTS = 5;

export class Collector {
  readonly #t: TestContext;
  readonly #binary: string;
  readonly #tls: ReceiverTls | undefined;
  readonly #directory: string;
  /** One for each start: the line that a kill has torn was not accepted, and ends its file. */
  readonly #files: string[] = [];
  #server: RunningServer | undefined;
  #httpPort = 0;
  #grpcPort = 0;

  private constructor(t: TestContext, binary: string, tls: ReceiverTls | undefined) {
    this.#t = t;
    this.#binary = binary;
    this.#tls = tls;
    this.#directory = mkdtempSync(path.join(tmpdir(), 'msc-collector-'));
    t.after(() => rmSync(this.#directory, { recursive: true, force: true }));
  }

  /** `undefined` where no Collector can be had: the test is then skipped. */
  static async start(t: TestContext, tls?: ReceiverTls): Promise<Collector | undefined> {
    const binary = findRealServer(t, 'collector');
    if (binary === undefined) return undefined;
    const collector = new Collector(t, binary, tls);
    for (let attempt = 1; ; attempt++) {
      collector.#httpPort = await freePort();
      collector.#grpcPort = await freePort();
      const failure = await collector.#run();
      if (failure === undefined) return collector;
      if (attempt === ATTEMPTS || !failure.includes('address already in use')) throw new Error(failure);
    }
  }

  /** The endpoint of a protocol for a signal, as a user configures it. */
  endpoint(protocol: Protocol, signal: 'metrics' | 'traces'): string {
    const scheme = this.#tls === undefined ? 'http' : 'https';
    return protocol === 'grpc'
      ? `${scheme}://127.0.0.1:${this.#grpcPort}`
      : `${scheme}://127.0.0.1:${this.#httpPort}/v1/${signal}`;
  }

  async stop(signal?: NodeJS.Signals): Promise<void> {
    await this.#server?.stop(signal);
  }

  /** Again at the same place, after `stop`. */
  async restart(): Promise<void> {
    const failure = await this.#run();
    if (failure !== undefined) throw new Error(failure);
  }

  /** Every point that it has received, in the order of the requests. */
  points(): ReceivedPoint[] {
    return readMetrics(this.#received());
  }

  /** Every span that it has received, in the order of the requests. */
  spans(): ReceivedSpan[] {
    return readSpans(this.#received());
  }

  /** Whole lines. */
  #received(): string {
    const texts = this.#files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : ''));
    return texts.map((text) => text.slice(0, text.lastIndexOf('\n') + 1)).join('');
  }

  /** What it said, where it has ended instead of starting. */
  async #run(): Promise<string | undefined> {
    const file = path.join(this.#directory, `received-${this.#files.length}.jsonl`);
    this.#files.push(file);
    const config = path.join(this.#directory, 'config.yaml');
    // JSON is YAML.
    writeFileSync(config, JSON.stringify(this.#config(file)));
    const server = new RunningServer(this.#t, this.#binary, ['--config', config]);
    this.#server = server;
    return (await server.says(READY)) === undefined ? server.output : undefined;
  }

  #config(file: string): object {
    const tls = this.#tls && {
      cert_file: this.#tls.certificateFile,
      key_file: this.#tls.keyFile,
      client_ca_file: this.#tls.clientAuthorityFile,
    };
    const listener = (port: number): object => ({ endpoint: `127.0.0.1:${port}`, tls });
    const pipeline = { receivers: ['otlp'], exporters: ['file'] };
    return {
      receivers: { otlp: { protocols: { http: listener(this.#httpPort), grpc: listener(this.#grpcPort) } } },
      exporters: { file: { path: file } },
      service: {
        // Its own metrics would take a port.
        telemetry: { metrics: { level: 'none' } },
        pipelines: { metrics: pipeline, traces: pipeline },
      },
    };
  }
}
