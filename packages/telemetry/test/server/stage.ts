/**
 * Stage: one configuration in a directory of its own, without processes: writers, a backend, and a pipeline that can be
 * killed, which here means: what it had on disk at that moment is all that the next one sees.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { MetricsConfig, ResamplingConfig } from '../../src/config/signals.ts';
import { journalPlaces, journalsDirectory } from '../../src/journal/places.ts';
import type { Account } from '../../src/server/account.ts';
import type { PointBatch } from '../../src/exporters/exporter.ts';
import type { CyclesOptions } from '../../src/server/cycles.ts';
import { MetricsSignal } from '../../src/server/metrics-signal.ts';
import { Pipeline } from '../../src/server/pipeline.ts';
import { readTreeStatus } from '../../src/server/status.ts';
import { TailedJournal } from '../../src/server/tailed-journal.ts';
import { configurationDigest } from '../../src/config/digest.ts';
import { ensureTree, spillDirectoryFor } from '../../src/tree/trees.ts';
import { Writer, type WriterOptions } from './journals.ts';
import { Backend } from './scripted-exporter.ts';

/** The first millisecond of most tests; a whole second. */
export const T0 = 1_800_000_000_000;

export interface StageOptions {
  readonly resampling?: ResamplingConfig;
  readonly cardinalityLimit?: number;
  readonly collectIntervalMillis?: number;
  readonly exportIntervalMillis?: number;
  /** Short: an answer that never comes is waited for so long. */
  readonly exportTimeoutMillis?: number;
  readonly exporter?: MetricsConfig['exporter'];
  readonly selfTelemetry?: boolean;
  readonly prometheus?: MetricsConfig['prometheus'];
  /** Default: one of its own. */
  readonly directory?: string;
}

let stages = 0;

/** An empty directory. */
export function scratchDirectory(): { readonly path: string; readonly remove: () => void } {
  const directory = mkdtempSync(path.join(tmpdir(), 'msc-server-test-'));
  return { path: directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** One that the test's end removes. */
export function scratch(t: TestContext): string {
  const { path: directory, remove } = scratchDirectory();
  t.after(remove);
  return directory;
}

export type MetricsPipeline = Pipeline<PointBatch>;

export class Stage {
  readonly directory: string;
  readonly config: MetricsConfig;
  readonly backend: Backend;
  readonly log: string[] = [];
  readonly #t: TestContext;

  constructor(t: TestContext, options: StageOptions = {}) {
    this.#t = t;
    this.directory = options.directory ?? path.join(scratch(t), 'tree');
    ensureTree(this.directory);
    this.backend = new Backend(`backend-${++stages}`);
    this.config = {
      exporter: options.exporter ?? {
        type: './scripted-exporter.js#ScriptedExporter',
        module: new URL('scripted-exporter.js', import.meta.url).href,
        options: { backend: this.backend.name },
      },
      reader: {
        collectIntervalMillis: options.collectIntervalMillis ?? 1000,
        collectTimeoutMillis: 1000,
        exportIntervalMillis: options.exportIntervalMillis ?? 10_000,
        exportTimeoutMillis: options.exportTimeoutMillis ?? 1,
      },
      ...(options.selfTelemetry === true ? {} : { selfTelemetry: false }),
      ...(options.prometheus === undefined ? {} : { prometheus: options.prometheus }),
      resampling: options.resampling ?? { type: 'none' },
      ...(options.cardinalityLimit === undefined ? {} : { cardinalityLimit: options.cardinalityLimit }),
    };
  }

  get digest(): string {
    return configurationDigest(this.config);
  }

  /** Where plan and checkpoint lie. */
  get place(): string {
    return path.join(this.directory, 'server', this.digest);
  }

  writer(options: WriterOptions = {}): Writer {
    return new Writer(this.directory, this.config, { startedAtMillis: T0, ...options });
  }

  /** A pipeline with every journal that is there. */
  async pipeline(
    directory: string = this.directory,
    treeResource = { attributes: { 'service.name': 'tree' } },
    hooks: Pick<CyclesOptions<PointBatch>, 'takeSelf'> = {},
  ): Promise<MetricsPipeline> {
    const pipeline = new Pipeline({
      directory: path.join(directory, 'server', this.digest),
      exporterType: this.config.exporter.type,
      signal: new MetricsSignal(this.config),
      treeResource,
      ...hooks,
      log: (message) => this.log.push(message),
      onChange: () => undefined,
    });
    for (const id of readdirSync(journalsDirectory(directory))) {
      const journal = this.open(id, directory);
      if (journal !== undefined) pipeline.addJournal(journal);
    }
    await pipeline.start();
    this.#t.after(() => pipeline.stop());
    return pipeline;
  }

  open(id: string, directory: string = this.directory): TailedJournal | undefined {
    return TailedJournal.open(journalPlaces(directory, spillDirectoryFor(directory), id));
  }

  /** What is on disk now. */
  copy(from: string = this.directory): string {
    const to = path.join(scratch(this.#t), 'tree');
    cpSync(from, to, { recursive: true });
    return to;
  }

  account(directory: string = this.directory): Account {
    return readTreeStatus(directory).account;
  }
}
