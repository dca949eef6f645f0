import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { MetricsFileExporter } from '../../src/exporters/file.ts';
import { encodeJson } from '../../src/exporters/otlp-json.ts';
import { batchOf, gauge, sum } from './batches.ts';

const FIRST = batchOf(gauge([1, 2, 3]), sum(10));
const SECOND = batchOf(gauge([4, 5]), sum(11));
const ACCEPTED = { status: 'accepted', rejectedPoints: 0 };
const LINE = { first: `${encodeJson(FIRST)}\n`, second: `${encodeJson(SECOND)}\n` };

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'msc-file-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

suite('file exporter', () => {
  test('appends a line per batch, and creates the directories above', async (t) => {
    const path = join(scratch(t), 'a', 'b', 'metrics.jsonl');
    const exporter = new MetricsFileExporter(path);
    assert.deepEqual(await exporter.export(FIRST, 5000), ACCEPTED);
    assert.deepEqual(await exporter.export(SECOND, 5000), ACCEPTED);
    assert.equal(readFileSync(path, 'utf8'), LINE.first + LINE.second);
    await exporter.shutdown();
    await exporter.shutdown();
  });

  test('a batch that is the last line already is not repeated', async (t) => {
    const path = join(scratch(t), 'metrics.jsonl');
    writeFileSync(path, LINE.first);
    await new MetricsFileExporter(path).export(FIRST, 5000);
    assert.equal(readFileSync(path, 'utf8'), LINE.first);
    await new MetricsFileExporter(path).export(SECOND, 5000);
    assert.deepEqual(await new MetricsFileExporter(path).export(SECOND, 5000), ACCEPTED);
    assert.equal(readFileSync(path, 'utf8'), LINE.first + LINE.second);
  });

  test('a line that only ends like the batch does not count as the batch', async (t) => {
    const path = join(scratch(t), 'metrics.jsonl');
    writeFileSync(path, `{"resourceMetrics":[${LINE.first}`);
    await new MetricsFileExporter(path).export(FIRST, 5000);
    assert.equal(readFileSync(path, 'utf8'), `{"resourceMetrics":[${LINE.first}${LINE.first}`);
  });

  test('a torn last line is cut off, wherever it was torn', async (t) => {
    const path = join(scratch(t), 'metrics.jsonl');
    await Promise.all(
      [1, 5, 19, 40, LINE.second.length - 1].map(async (kept) => {
        const torn = `${path}.${kept}`;
        writeFileSync(torn, LINE.first + LINE.second.slice(0, kept));
        assert.deepEqual(await new MetricsFileExporter(torn).export(SECOND, 5000), ACCEPTED);
        assert.equal(readFileSync(torn, 'utf8'), LINE.first + LINE.second, `torn after ${kept}`);
      }),
    );
    writeFileSync(path, LINE.second.slice(0, 30));
    await new MetricsFileExporter(path).export(SECOND, 5000);
    assert.equal(readFileSync(path, 'utf8'), LINE.second, 'no whole line before it');
  });

  test('a torn line longer than one read is cut off, too', async (t) => {
    const path = join(scratch(t), 'metrics.jsonl');
    const torn = encodeJson(batchOf(gauge(Array.from({ length: 3000 }, (_, index) => index))));
    assert.ok(torn.length > 3 * 64 * 1024);
    writeFileSync(path, LINE.first + torn);
    await new MetricsFileExporter(path).export(SECOND, 5000);
    assert.equal(readFileSync(path, 'utf8'), LINE.first + LINE.second);
  });

  test("somebody else's text without a line break at the end is left alone", async (t) => {
    const path = join(scratch(t), 'notes.txt');
    writeFileSync(path, 'first\nsecond');
    const outcome = await new MetricsFileExporter(path).export(FIRST, 5000);
    assert.equal(outcome.status, 'retry');
    assert.match(outcome.error.message, /notes\.txt: ends in a line that is not OTLP JSON/);
    assert.equal(readFileSync(path, 'utf8'), 'first\nsecond');
  });

  test('the file may be moved away between batches', async (t) => {
    const directory = scratch(t);
    const path = join(directory, 'metrics.jsonl');
    const exporter = new MetricsFileExporter(path);
    await exporter.export(FIRST, 5000);
    renameSync(path, join(directory, 'metrics.1.jsonl'));
    await exporter.export(SECOND, 5000);
    assert.equal(readFileSync(path, 'utf8'), LINE.second);
  });

  test('what cannot be written is to be retried, and goes on when it can', async (t) => {
    const path = join(scratch(t), 'directory', 'metrics.jsonl');
    mkdirSync(path, { recursive: true });
    const exporter = new MetricsFileExporter(path);
    const outcome = await exporter.export(FIRST, 5000);
    assert.equal(outcome.status, 'retry');
    assert.match(outcome.error.message, /is not a regular file/);
    rmSync(path, { recursive: true });
    assert.deepEqual(await exporter.export(FIRST, 5000), ACCEPTED);
    assert.equal(readFileSync(path, 'utf8'), LINE.first);
  });

  test('exporters of one path take turns', async (t) => {
    const path = join(scratch(t), 'metrics.jsonl');
    const batches = Array.from({ length: 20 }, (_, index) => batchOf(sum(index)));
    await Promise.all(batches.map((batch) => new MetricsFileExporter(path).export(batch, 5000)));
    assert.equal(readFileSync(path, 'utf8'), batches.map((batch) => `${encodeJson(batch)}\n`).join(''));
  });

  test(
    'a pipe is refused instead of waiting for its reader',
    { skip: process.platform === 'win32' },
    async (t) => {
      const path = join(scratch(t), 'pipe');
      execFileSync('mkfifo', [path]);
      const outcome = await new MetricsFileExporter(path).export(FIRST, 5000);
      assert.equal(outcome.status, 'retry');
    },
  );

  test('a short write is taken back', { skip: process.platform !== 'linux' }, (t) => {
    const path = join(scratch(t), 'metrics.jsonl');
    // The limit on the size of files makes a write short first, then fail: as a full disk does.
    const whole = Math.ceil(LINE.first.length / 1024) * 1024;
    appendFileSync(path, LINE.first);
    const padded = `${LINE.first.trimEnd()}${' '.repeat(whole - LINE.first.length)}\n`;
    writeFileSync(path, padded);
    const program = `
      process.on('SIGXFSZ', () => {});
      const { MetricsFileExporter } = await import(${JSON.stringify(new URL('../../src/exporters/file.js', import.meta.url).href)});
      const { batchOf, gauge } = await import(${JSON.stringify(new URL('batches.js', import.meta.url).href)});
      const batch = batchOf(gauge(Array.from({ length: 100 }, (_, index) => index)));
      const { status, error } = await new MetricsFileExporter(${JSON.stringify(path)}).export(batch, 5000);
      process.stdout.write(status + ' ' + error.message);
    `;
    const script = `ulimit -f ${whole / 1024 + 1}; exec "$0" --input-type=module -e "$1"`;
    const output = execFileSync('bash', ['-c', script, process.execPath, program], { encoding: 'utf8' });
    assert.match(output, /^retry .*only 1024 of \d+ bytes/);
    assert.ok(existsSync(path));
    assert.equal(readFileSync(path, 'utf8'), padded);
  });
});
