import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { endOfLines, readOtlpLines, type OtlpLine, type OtlpLinesOptions } from '../src/otlp-lines.ts';
import { scratch } from './scratch.ts';

async function read(file: string, options?: OtlpLinesOptions): Promise<OtlpLine[]> {
  const lines: OtlpLine[] = [];
  for await (const line of readOtlpLines(file, options)) lines.push(line);
  return lines;
}

function fileWith(t: TestContext, text: string): string {
  const file = path.join(scratch(t), 'lines.jsonl');
  writeFileSync(file, text);
  return file;
}

const EMPTY = '{"resourceMetrics":[]}\n';
const named = (name: string): OtlpLine => ({
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name }] }] }],
});

describe('readOtlpLines', () => {
  it('reads lines of several chunks, with characters on their borders', async (t) => {
    const lines = [named('é'.repeat(400_000)), named('short'), named(`x${'日'.repeat(300_000)}`)];
    const file = fileWith(t, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    assert.deepEqual(await read(file), lines);
  });

  it('leaves out empty lines, and a last line that was torn', async (t) => {
    const file = fileWith(t, `${EMPTY}\n${EMPTY}{"resourceMetr`);
    assert.equal((await read(file)).length, 2);
  });

  it('begins where it is told', async (t) => {
    const file = fileWith(t, EMPTY);
    const fromByte = await endOfLines(file);
    appendFileSync(file, `${JSON.stringify(named('new'))}\n`);
    assert.deepEqual(await read(file, { fromByte }), [named('new')]);
  });

  it('refuses what is no OTLP JSON, and names the line', async (t) => {
    for (const wrong of ['nonsense', '"resourceMetrics"', 'null', '{"resourceSpans":[]}']) {
      const file = fileWith(t, `${EMPTY}${wrong}\n`);
      await assert.rejects(read(file), { code: 'MSC_FORMAT', message: /, line 2: got .*resourceMetrics/u });
    }
  });

  it('refuses a line that is too long before it has been read', async (t) => {
    const file = fileWith(t, 'x'.repeat(1_000_000));
    const error = { code: 'MSC_FORMAT', message: /line 1: got 262144 bytes, expected at most 1000 bytes/u };
    await assert.rejects(read(file, { maxLineBytes: 1000 }), error);
  });

  it('says what the system says of a file that is not there', async (t) => {
    await assert.rejects(read(path.join(scratch(t), 'none')), { code: 'ENOENT' });
  });
});

describe('endOfLines', () => {
  it('is behind the last line break, however far that is from the end', async (t) => {
    const cases: [string, number][] = [
      ['', 0],
      ['torn', 0],
      [EMPTY, EMPTY.length],
      [`${EMPTY}${'x'.repeat(600_000)}`, EMPTY.length],
    ];
    for (const [text, end] of cases) {
      assert.equal(await endOfLines(fileWith(t, text)), end);
    }
    assert.equal(await endOfLines(path.join(scratch(t), 'none')), 0);
  });
});
