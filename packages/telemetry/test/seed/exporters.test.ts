import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { ExportersJob } from '../support/programs/seed/exporters.ts';
import { metricsTo } from '../support/scene.ts';
import { run } from './stage.ts';

/** A PushMetricExporter of the program, without the SDK: it writes each value on a line. */
const MINE = `import { appendFileSync } from 'node:fs';
export class Mine {
  constructor({ file }) { this.file = file; }
  export({ scopeMetrics }, done) {
    for (const { metrics } of scopeMetrics)
      for (const { descriptor, dataPoints } of metrics)
        for (const { value } of dataPoints) appendFileSync(this.file, descriptor.name + ' ' + value + '\\n');
    done({ code: 0 });
  }
  async forceFlush() {}
  async shutdown() {}
}`;

test('console, otlp, and any class of the program; what cannot be imported disables, with one error', async (t) => {
  const { scene, sink, said, stdout, stderr } = await run(
    t,
    'seed/exporters',
    (to, { root, directory }): ExportersJob => {
      const module = path.join(root, 'mine.mjs');
      writeFileSync(module, MINE);
      const { exporter: otlp, ...others } = metricsTo(to);
      const exporters = [
        { type: 'console' },
        otlp!,
        { type: `${module}#Mine`, options: { file: path.join(root, 'mine.txt') } },
        { type: 'not-installed#Exporter' },
      ];
      return { directory, configs: exporters.map((exporter) => ({ ...others, exporter })) };
    },
  );
  assert.deepEqual(
    said.map(({ isDisabled }) => isDisabled as boolean),
    [false, false, false, true],
  );
  assert.match(stdout, /name: 'multistorageclient\.latency'[^]*value: 0\b/);
  assert.deepEqual(
    [...sink.points].map(({ metric, value }) => [metric.name, value]),
    [['multistorageclient.latency', 1]],
  );
  assert.equal(readFileSync(path.join(scene.root, 'mine.txt'), 'utf8'), 'multistorageclient.latency 2\n');
  const [line, ...others] = stderr.trimEnd().split('\n');
  assert.match(line, /^msc-telemetry: .*"not-installed#Exporter".*metrics are disabled$/);
  assert.deepEqual(others, []);
});
