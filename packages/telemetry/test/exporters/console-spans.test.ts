import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { encodeSpansJson } from '../../src/exporters/span-json.ts';
import { RESOURCE } from './batches.ts';
import { importOf } from './programs.ts';
import { FULL_SPAN, spanBatchOf } from './span-batches.ts';

suite('console exporter of spans', () => {
  test('prints one line of OTLP JSON per batch', () => {
    const program = `
      const { ConsoleSpansExporter } = ${importOf('../../src/exporters/console-spans.js')};
      const { FULL_SPAN, spanBatchOf } = ${importOf('span-batches.js')};
      const { RESOURCE } = ${importOf('batches.js')};
      const exporter = new ConsoleSpansExporter();
      const batch = spanBatchOf([RESOURCE, [FULL_SPAN]]);
      const outcomes = [await exporter.export(batch), await exporter.export(batch)];
      await exporter.shutdown();
      console.log(JSON.stringify(outcomes));
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    const line = encodeSpansJson(spanBatchOf([RESOURCE, [FULL_SPAN]]));
    const accepted = '{"status":"accepted","rejectedPoints":0}';
    assert.equal(output, `${line}\n${line}\n[${accepted},${accepted}]\n`);
  });
});
