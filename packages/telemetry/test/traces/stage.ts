/** Traces that are recorded in this process or by programs, and what a reader finds in the journals. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { SamplerConfig, TracesConfig } from '../../src/config/signals.ts';
import type { SpanRecord, SpanStart } from '../../src/exporters/spans.ts';
import { Dictionary } from '../../src/journal/dictionary.ts';
import { decodeJson, FrameType } from '../../src/journal/frame.ts';
import { journalPlaces, journalsDirectory } from '../../src/journal/places.ts';
import { FIRST } from '../../src/journal/chunk.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import type { RecordingOptions } from '../../src/recording.ts';
import { TracesRecording } from '../../src/traces/recording.ts';
import { spillDirectoryFor } from '../../src/tree/trees.ts';
import { readAll, scratch } from '../journal/stage.ts';

export function tracesConfig(
  sampler: SamplerConfig = { type: 'parentbased_always_on', ratio: 1 },
): TracesConfig {
  return {
    signal: 'traces',
    exporter: { type: 'console', options: {} },
    sampler,
    processor: { scheduleDelayMillis: 5000, exportTimeoutMillis: 30_000, maxExportBatchSize: 512 },
  };
}

/** What the journals of a tree hold of traces. */
export interface Traces {
  readonly starts: readonly SpanStart[];
  readonly spans: readonly SpanRecord[];
  /** Spans that have started, and neither ended nor were lost. */
  readonly open: readonly SpanStart[];
  readonly dropped: Readonly<Record<string, number>>;
  /** Journals that are complete: by a goodbye, or by a rescue file. */
  readonly ended: number;
  readonly journals: number;
}

export function tracesIn(tree: string): Traces {
  const starts: SpanStart[] = [];
  const spans: SpanRecord[] = [];
  const lost: string[] = [];
  const dropped: Record<string, number> = {};
  let ended = 0;
  let journals = 0;
  for (const id of readdirSync(journalsDirectory(tree)).filter((name) => !name.startsWith('.'))) {
    const places = journalPlaces(tree, spillDirectoryFor(tree), id);
    if (!existsSync(path.join(places.primary, 'definitions'))) continue;
    if (new Dictionary(places).definition?.configuration.signal !== 'traces') continue;
    journals++;
    const reader = new JournalReader(places);
    const { frames } = readAll(reader, FIRST, { ended: true });
    reader.close();
    if (reader.hasRescue() || frames.some(({ type }) => type === FrameType.GOODBYE)) ended++;
    for (const frame of frames) {
      const json = decodeJson(frame);
      if (frame.type === FrameType.SPAN_STARTS) starts.push(...(json as SpanStart[]));
      if (frame.type === FrameType.LOST_SPANS) lost.push(...(json as string[]));
      if (frame.type === FrameType.SPANS) spans.push(...(json as SpanRecord[]));
    }
    const account = frames.findLast(({ type }) => type === FrameType.ACCOUNT);
    if (account !== undefined) {
      for (const [reason, count] of Object.entries((decodeJson(account) as Traces).dropped)) {
        dropped[reason] = (dropped[reason] ?? 0) + count;
      }
    }
  }
  const done = new Set([...spans.map(({ spanId }) => spanId), ...lost]);
  return { starts, spans, open: starts.filter(({ spanId }) => !done.has(spanId)), dropped, ended, journals };
}

export interface TracesRig {
  readonly recording: TracesRecording;
  readonly contents: () => Traces;
}

/** Traces of this process, in a tree of their own. */
export function tracesRig(
  t: Pick<TestContext, 'after'>,
  options: Partial<RecordingOptions> = {},
  config: TracesConfig = tracesConfig(),
): TracesRig {
  const directory = path.join(scratch(t), 'tree');
  mkdirSync(path.join(directory, 'journals'), { recursive: true, mode: 0o700 });
  const recording = new TracesRecording(config, { directory, isJournaled: true, flush: 'turn', ...options });
  t.after(() => recording.close());
  return { recording, contents: () => tracesIn(directory) };
}
