import assert from 'node:assert/strict';
import { readdirSync, readFileSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import type { TracesConfig } from '../../src/config/signals.ts';
import type { SpanBatch, SpanRecord, SpanStart } from '../../src/exporters/spans.ts';
import { encodeJson, FrameType } from '../../src/journal/frame.ts';
import { journalPlaces, journalsDirectory } from '../../src/journal/places.ts';
import { Pipeline } from '../../src/server/pipeline.ts';
import { SpansSignal } from '../../src/server/spans-signal.ts';
import { readTreeStatus } from '../../src/server/status.ts';
import { TailedJournal } from '../../src/server/tailed-journal.ts';
import { configurationDigest } from '../../src/config/digest.ts';
import { spillDirectoryFor } from '../../src/tree/trees.ts';
import { deadProcess, Writer, type WriterOptions } from './journals.ts';
import { scratch } from './stage.ts';

const SECONDS = 1_800_000_000;
const TRACE = 'a'.repeat(32);

const spanId = (number: number): string => number.toString(16).padStart(16, '0');

function started(number: number, over: Partial<SpanStart> = {}): SpanStart {
  return {
    traceId: TRACE,
    spanId: spanId(number),
    flags: 1,
    name: `span ${number}`,
    kind: 0,
    start: [SECONDS, number],
    attributes: [['number', number]],
    links: [],
    scope: { name: 'tests' },
    ...over,
  };
}

function ended(number: number): SpanRecord {
  const none = { droppedAttributes: 0, droppedEvents: 0, droppedLinks: 0 };
  return { ...started(number), end: [SECONDS + 1, number], events: [], status: { code: 0 }, ...none };
}

interface ExportedSpan {
  readonly name: string;
  readonly process: unknown;
  readonly endMillis: number;
  readonly status: { readonly code?: number; readonly message?: string };
}

interface OtlpLine {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly { readonly value: { readonly stringValue: string } }[];
    };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ExportedSpan, 'process' | 'endMillis'> & {
        readonly endTimeUnixNano: string;
      })[];
    }[];
  }[];
}

/** Traces in a directory of their own, exported to a file. */
class Spans {
  readonly tree: string;
  readonly #file: string;
  readonly config: TracesConfig;
  readonly #t: TestContext;

  constructor(t: TestContext, maxExportBatchSize = 512) {
    this.#t = t;
    this.tree = path.join(scratch(t), 'tree');
    this.#file = path.join(scratch(t), 'spans.jsonl');
    this.config = {
      signal: 'traces',
      exporter: { type: 'file', options: { path: this.#file } },
      sampler: { type: 'always_on', ratio: 1 },
      processor: { scheduleDelayMillis: 5000, exportTimeoutMillis: 1000, maxExportBatchSize },
    };
  }

  writer(options: WriterOptions = {}): Writer {
    return new Writer(this.tree, this.config, options);
  }

  async pipeline(): Promise<Pipeline<SpanBatch>> {
    const pipeline = new Pipeline({
      directory: path.join(this.tree, 'server', configurationDigest(this.config)),
      signal: new SpansSignal(this.config),
      exporterType: 'file',
      treeResource: { attributes: {} },
      log: () => undefined,
      onChange: () => undefined,
    });
    for (const id of readdirSync(journalsDirectory(this.tree))) {
      const places = journalPlaces(this.tree, spillDirectoryFor(this.tree), id);
      const journal = TailedJournal.open(places);
      if (journal !== undefined) pipeline.addJournal(journal);
    }
    await pipeline.start();
    this.#t.after(() => pipeline.stop());
    return pipeline;
  }

  get requests(): ExportedSpan[][] {
    const lines = readFileSync(this.#file, 'utf8').trimEnd().split('\n');
    return lines.map((line) =>
      (JSON.parse(line) as OtlpLine).resourceSpans.flatMap(({ resource, scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) =>
          spans.map(({ name, status, endTimeUnixNano }) => ({
            name,
            status,
            process: resource.attributes[0].value.stringValue,
            endMillis: Number(BigInt(endTimeUnixNano) / 1_000_000n),
          })),
        ),
      ),
    );
  }
}

const starts = (writer: Writer, ...spans: readonly SpanStart[]): void =>
  writer.frame(FrameType.SPAN_STARTS, encodeJson(spans), spans.length, 0);
const ends = (writer: Writer, ...spans: readonly SpanRecord[]): void =>
  writer.frame(FrameType.SPANS, encodeJson(spans), spans.length, spans.length);

suite('the signal of traces', () => {
  test('exports what has ended, each process under its own resource', async (t) => {
    const spans = new Spans(t);
    const first = spans.writer({ resource: { 'service.name': 'first' } });
    const second = spans.writer({ resource: { 'service.name': 'second' } });
    starts(first, started(1), started(2), started(3));
    ends(first, ended(1));
    ends(second, ended(4), ended(5));
    const pipeline = await spans.pipeline();
    await pipeline.flush({ tick: true });
    const [request, ...more] = spans.requests;
    assert.deepEqual(more, []);
    const named = request.map(({ process, name }) => `${String(process)}: ${name}`);
    assert.deepEqual(named.toSorted(), ['first: span 1', 'second: span 4', 'second: span 5']);
    const { account, balanced } = readTreeStatus(spans.tree);
    assert.deepEqual([account.recorded, account.exported, balanced], [3, 3, true]);
  });

  test('tells the end of spans whose process is dead: when it was seen last, and as errors', async (t) => {
    const spans = new Spans(t);
    const writer = spans.writer({ process: deadProcess() });
    starts(writer, started(1), started(2), started(3, { start: [2_000_000_000, 0] }));
    ends(writer, ended(2));
    const { primary } = journalPlaces(spans.tree, undefined, writer.id);
    const diedAtMillis = (SECONDS + 60) * 1000;
    for (const name of readdirSync(primary)) {
      utimesSync(path.join(primary, name), diedAtMillis / 1000, diedAtMillis / 1000);
    }
    const pipeline = await spans.pipeline();
    for (const journal of pipeline.journals) journal.checkWriter();
    await pipeline.flush({ tick: true });
    const byName = new Map(spans.requests.flat().map((span) => [span.name, span]));
    assert.deepEqual([...byName.keys()].toSorted(), ['span 1', 'span 2', 'span 3']);
    assert.deepEqual(byName.get('span 1')?.status, {
      code: 2,
      message: 'the process or thread ended before the span did',
    });
    assert.equal(byName.get('span 1')?.endMillis, diedAtMillis);
    assert.equal(byName.get('span 3')?.endMillis, 2_000_000_000_000, 'no span ends before it starts');
    assert.equal(byName.get('span 2')?.endMillis, (SECONDS + 1) * 1000);
    const { account, balanced } = readTreeStatus(spans.tree);
    assert.deepEqual([account.recorded, account.exported, balanced], [1, 1, true]);
    assert.ok(pipeline.isDrained);
  });

  test('does not take a span for open that has ended without a place in the journal', async (t) => {
    const spans = new Spans(t);
    const writer = spans.writer({ process: deadProcess() });
    starts(writer, started(1), started(2), started(3));
    ends(writer, ended(1));
    writer.frame(FrameType.LOST_SPANS, encodeJson([started(2).spanId]), 1, 0);
    const pipeline = await spans.pipeline();
    for (const journal of pipeline.journals) journal.checkWriter();
    await pipeline.flush({ tick: true });
    assert.deepEqual(
      spans.requests.flat().map(({ name }) => name),
      ['span 1', 'span 3'],
    );
  });

  test('knows the open spans again after a restart', async (t) => {
    const spans = new Spans(t);
    const writer = spans.writer();
    starts(writer, started(1), started(2));
    ends(writer, ended(3));
    await (await spans.pipeline()).flush({ tick: true });
    assert.equal(spans.requests.flat().length, 1);
    ends(writer, ended(2));
    writer.goodbye();
    await (await spans.pipeline()).flush({ tick: true });
    const [, ...later] = spans.requests.flat();
    const codes = new Map(later.map(({ name, status }) => [name, status.code ?? 0]));
    assert.deepEqual(
      codes,
      new Map([
        ['span 2', 0],
        ['span 1', 2],
      ]),
    );
  });

  test('keeps requests to their size, and drops what is no span', async (t) => {
    const spans = new Spans(t, 4);
    const writer = spans.writer();
    ends(writer, ...Array.from({ length: 10 }, (_, number) => ended(number)));
    ends(writer, { ...ended(11), traceId: 'x' }, ended(12));
    const pipeline = await spans.pipeline();
    await pipeline.flush({ tick: true });
    assert.deepEqual(
      spans.requests.map(({ length }) => length),
      [4, 4, 3],
    );
    const { account, balanced } = readTreeStatus(spans.tree);
    assert.deepEqual([account.exported, account.dropped, balanced], [11, { invalid_span: 1 }, true]);
  });
});
