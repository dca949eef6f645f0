import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { otlpConfig } from './backend.ts';
import { writeProgram } from './programs.ts';

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));
/** In the workspace's root, without what the programs install themselves. */
const INSTALLED = fileURLToPath(new URL('../../../../../node_modules/@opentelemetry', import.meta.url));

suite('packages that are not installed', () => {
  test('are named, with the option that needs them', (t) => {
    const directory = writeProgram(t, { 'package.json': '{"type":"module"}' });
    cpSync(SOURCES, join(directory, 'src'), { recursive: true });
    mkdirSync(join(directory, 'node_modules'));
    symlinkSync(INSTALLED, join(directory, 'node_modules', '@opentelemetry'));
    const load = pathToFileURL(join(directory, 'src', 'exporters', 'load.js')).href;
    const exporter = otlpConfig('http://h:1');
    const configs = [
      { type: 'otlp', options: { ...exporter, protocol: 'grpc' } },
      { type: '_otlp_msal', options: { auth: { scopes: [], credential: {} }, exporter } },
    ];
    const program = `
      const { loadExporter } = await import(${JSON.stringify(load)});
      for (const config of ${JSON.stringify(configs)}) {
        await loadExporter(config).catch((error) => console.log(error.code, error.message));
      }
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    assert.deepEqual(output.trimEnd().split('\n'), [
      'MSC_EXPORTER_UNUSABLE exporter "otlp" cannot be loaded: the protocol grpc needs the package @grpc/grpc-js, ' +
        'which is not installed: npm install @grpc/grpc-js',
      'MSC_EXPORTER_UNUSABLE exporter "_otlp_msal" cannot be loaded: it needs the package ' +
        '@azure/msal-node, which is not installed: npm install @azure/msal-node',
    ]);
  });
});
