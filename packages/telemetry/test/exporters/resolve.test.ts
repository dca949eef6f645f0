import assert from 'node:assert/strict';
import { realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { TelemetryError, type Problem } from '../../src/errors.ts';
import { resolveExporter } from '../../src/exporters/resolve.ts';
import type { Environment } from '../../src/exporters/option-source.ts';
import { importOf, modulesLoadedBy, writeProgram } from './programs.ts';

const OTLP_DEFAULTS = {
  protocol: 'http/protobuf',
  url: 'http://localhost:4318/v1/metrics',
  headers: {},
  timeoutMillis: 10_000,
  compression: 'none',
  temporality: 'cumulative',
};

function otlp(options: object | undefined, env: Environment = {}): object {
  return resolveExporter({ type: 'otlp', options }, env).options;
}

function problemsOf(
  type: unknown,
  options?: unknown,
  env: Environment = {},
  program?: string,
): readonly Problem[] {
  try {
    resolveExporter({ type, options }, env, program === undefined ? {} : { program });
  } catch (error) {
    assert.ok(error instanceof TelemetryError);
    assert.equal(error.code, 'MSC_EXPORTER_UNUSABLE');
    for (const { path, expected } of error.problems) {
      assert.ok(error.message.includes(path) && error.message.includes(expected));
    }
    return error.problems;
  }
  return [];
}

function pathsOf(problems: readonly Problem[]): string[] {
  return problems.map(({ path }) => path).toSorted();
}

suite('resolving an exporter', () => {
  test('a type that is missing or unknown', () => {
    const types = [undefined, null, '', 5, {}, 'zipkin', '#Class', 'module#', 'opentelemetry.sdk.Exporter'];
    for (const type of types) {
      const [problem, ...others] = problemsOf(type);
      assert.deepEqual(others, []);
      assert.equal(problem.path, 'exporter.type');
      assert.equal(problem.value, type);
      assert.equal(
        problem.expected,
        '"console", "file", "otlp", "prometheus", "_otlp_msal", "_otlp_mtls_vault", or "module#Class"',
      );
    }
    assert.throws(() => resolveExporter(undefined, {}), /exporter\.type: got undefined, expected "console"/);
  });

  test('options that are not an object, or that JSON cannot hold', () => {
    for (const options of [5, 'x', [], new Date(0), new Map()]) {
      assert.deepEqual(pathsOf(problemsOf('console', options)), ['exporter.options']);
    }
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    assert.deepEqual(pathsOf(problemsOf('console', cycle)), ['exporter.options']);
    const options = { call: () => 1, when: new Date(0), big: 5n, inner: { nan: NaN }, fine: [1, 'a', null] };
    assert.deepEqual(pathsOf(problemsOf(`${import.meta.filename}#X`, options)), [
      'exporter.options.big',
      'exporter.options.call',
      'exporter.options.nan',
      'exporter.options.when',
    ]);
  });

  test('console has no options', () => {
    assert.deepEqual(resolveExporter({ type: 'console' }, {}), { type: 'console', options: {} });
    assert.deepEqual(resolveExporter({ type: 'console', options: null }, {}).options, {});
    assert.deepEqual(pathsOf(problemsOf('console', { color: true })), ['exporter.options.color']);
  });

  test('a file has an absolute path', () => {
    const { options } = resolveExporter({ type: 'file', options: { path: 'out/metrics.jsonl' } }, {});
    assert.deepEqual(options, { path: join(process.cwd(), 'out', 'metrics.jsonl') });
    assert.deepEqual(pathsOf(problemsOf('file')), ['exporter.options.path']);
    assert.deepEqual(pathsOf(problemsOf('file', { path: '' })), ['exporter.options.path']);
    assert.deepEqual(pathsOf(problemsOf('file', { path: 3, mode: 1 })), [
      'exporter.options.mode',
      'exporter.options.path',
    ]);
  });

  test('the result is frozen, and a copy that JSON keeps as it is', () => {
    const options = { headers: { a: 'b' } };
    const config = resolveExporter({ type: 'otlp', options }, {});
    assert.deepEqual(JSON.parse(JSON.stringify(config)), config);
    options.headers.a = 'changed';
    const { headers } = config.options;
    assert.deepEqual(headers, { a: 'b' });
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.options) && Object.isFrozen(headers));
  });

  test('loads nothing but itself', () => {
    const urls = modulesLoadedBy(
      `(${importOf('../../src/exporters/resolve.js')}).resolveExporter({ type: 'otlp' }, {});`,
    );
    assert.ok(urls.length > 0);
    assert.deepEqual(
      urls.filter((url) => url.includes('node_modules')),
      [],
    );
  });
});

suite('resolving OTLP', () => {
  test('defaults are those of the specification', () => {
    assert.deepEqual(otlp(undefined), OTLP_DEFAULTS);
    assert.deepEqual(
      otlp({ endpoint: null, headers: null }, { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }),
      OTLP_DEFAULTS,
    );
  });

  test('options by their Python and by their JavaScript names', () => {
    const file = import.meta.filename;
    const expected = {
      protocol: 'http/protobuf',
      url: 'https://h:1/x',
      headers: { a: '1', b: '2=3' },
      timeoutMillis: 2500,
      compression: 'gzip',
      temporality: 'delta',
      certificateFile: file,
      clientCertificateFile: file,
      clientKeyFile: file,
    };
    const python = {
      endpoint: 'https://h:1/x#fragment',
      headers: 'A=1, b=2%3D3,',
      timeout: 2.5,
      compression: 'gzip',
      preferred_temporality: 'DELTA',
      certificate_file: file,
      client_certificate_file: file,
      client_key_file: file,
    };
    const javascript = {
      url: 'https://h:1/x',
      headers: { a: '1', B: '2=3' },
      timeoutMillis: 2500,
      compression: 'gzip',
      temporalityPreference: 'delta',
      certificateFile: file,
      clientCertificateFile: file,
      clientKeyFile: file,
    };
    assert.deepEqual(otlp(python), expected);
    assert.deepEqual(otlp(javascript), expected);
  });

  test('the general endpoint is a base, that of metrics is used as it is', () => {
    const urls = ['http://h:1', 'http://h:1/', 'http://h:1/base', 'http://h:1/base/?q=1'].map((endpoint) => [
      Reflect.get(otlp({}, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }), 'url'),
      Reflect.get(otlp({}, { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: endpoint }), 'url'),
    ]);
    assert.deepEqual(urls, [
      ['http://h:1/v1/metrics', 'http://h:1/'],
      ['http://h:1/v1/metrics', 'http://h:1/'],
      ['http://h:1/base/v1/metrics', 'http://h:1/base'],
      ['http://h:1/base/v1/metrics?q=1', 'http://h:1/base/?q=1'],
    ]);
  });

  test('options win over the variables of metrics, and these over the general ones', () => {
    const general = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://general',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=general,b=general,c=general',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_CERTIFICATE: import.meta.filename,
    };
    const metrics = {
      ...general,
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://metrics',
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'b=metrics,c=metrics',
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '2',
      OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: 'none',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'LowMemory',
    };
    assert.deepEqual(otlp({}, general), {
      protocol: 'http/protobuf',
      url: 'http://general/v1/metrics',
      headers: { a: 'general', b: 'general', c: 'general' },
      timeoutMillis: 1,
      compression: 'gzip',
      temporality: 'cumulative',
      certificateFile: import.meta.filename,
    });
    assert.deepEqual(otlp({}, metrics), {
      protocol: 'http/protobuf',
      url: 'http://metrics/',
      headers: { a: 'general', b: 'metrics', c: 'metrics' },
      timeoutMillis: 2,
      compression: 'none',
      temporality: 'lowmemory',
      certificateFile: import.meta.filename,
    });
    const options = { url: 'http://options/', headers: { c: 'options' }, timeout: 3, compression: 'zstd' };
    assert.deepEqual(otlp(options, metrics), {
      protocol: 'http/protobuf',
      url: 'http://options/',
      headers: { a: 'general', b: 'metrics', c: 'options' },
      timeoutMillis: 3000,
      compression: 'zstd',
      temporality: 'lowmemory',
      certificateFile: import.meta.filename,
    });
  });

  test('everything that is wrong is reported at once', () => {
    const problems = problemsOf('otlp', {
      endpoint: 'localhost:4318',
      timeout: 0,
      compression: 'lz4',
      headers: { 'bad name': 'x', fine: 'x', newline: 'a\nb', number: 5 },
      preferred_temporality: 1,
      certificate_file: '/does/not/exist',
      client_key_file: import.meta.dirname,
      retries: 5,
    });
    assert.deepEqual(pathsOf(problems), [
      'exporter.options.certificate_file',
      'exporter.options.client_key_file',
      'exporter.options.client_key_file',
      'exporter.options.compression',
      'exporter.options.endpoint',
      'exporter.options.headers.bad name',
      'exporter.options.headers.newline',
      'exporter.options.headers.number',
      'exporter.options.preferred_temporality',
      'exporter.options.retries',
      'exporter.options.timeout',
    ]);
  });

  test('values out of range', () => {
    for (const endpoint of ['', 'h', '//h', 'ftp://h/', 'http://', 5, {}]) {
      assert.deepEqual(pathsOf(problemsOf('otlp', { endpoint })), ['exporter.options.endpoint']);
    }
    for (const timeout of [0, -1, '10', 2_147_484, true]) {
      assert.deepEqual(pathsOf(problemsOf('otlp', { timeout })), ['exporter.options.timeout']);
    }
    for (const timeoutMillis of [0, -0.5, '10', 2 ** 31, false]) {
      assert.deepEqual(pathsOf(problemsOf('otlp', { timeoutMillis })), ['exporter.options.timeoutMillis']);
    }
    for (const headers of ['a', '=a', 'a=%', 5, ['a=b']]) {
      assert.deepEqual(pathsOf(problemsOf('otlp', { headers })), ['exporter.options.headers']);
    }
  });

  test('one option by both of its names', () => {
    const problems = problemsOf('otlp', { url: 'http://a/', endpoint: 'http://b/' });
    assert.deepEqual(pathsOf(problems), ['exporter.options.url']);
    assert.equal(problems[0].expected, 'either endpoint or url, not both');
  });

  test('variables are named when they are wrong, and ignored when they are not used', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'nowhere',
      OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
      OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: 'lz4',
    };
    assert.deepEqual(pathsOf(problemsOf('otlp', {}, env)), Object.keys(env).toSorted());
    const options = { url: 'http://h/', timeout: 1, compression: 'none' };
    assert.deepEqual(problemsOf('otlp', options, env), []);
  });

  test('no error shows a secret', () => {
    const problems = problemsOf(
      'otlp',
      { endpoint: 'ftp://user:secret@h/', headers: { authorization: 'secret\n' } },
      { OTEL_EXPORTER_OTLP_HEADERS: 'authorization' },
    );
    assert.equal(problems.length, 3);
    assert.ok(!JSON.stringify(problems).includes('secret'));
  });
});

function traces(options: object, env: Environment = {}): Record<string, unknown> {
  return { ...resolveExporter({ type: 'otlp', options }, env, { signal: 'traces' }).options };
}

suite('resolving OTLP for traces', () => {
  test('has a path and variables of its own, and no temporality', () => {
    const { temporality, ...defaults } = OTLP_DEFAULTS;
    assert.equal(temporality, 'cumulative');
    assert.deepEqual(traces({}), { ...defaults, url: 'http://localhost:4318/v1/traces' });
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://general',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://metrics',
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'a=metrics',
    };
    assert.equal(traces({}, env)['url'], 'http://general/v1/traces');
    assert.deepEqual(traces({}, env)['headers'], {});
    const ofTraces = {
      ...env,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces/x',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '7',
    };
    const { url, protocol, timeoutMillis } = traces({}, ofTraces);
    assert.deepEqual([url, protocol, timeoutMillis], ['http://traces/x', 'http/json', 7]);
    assert.equal(Reflect.get(otlp({}, ofTraces), 'protocol'), 'http/protobuf');
    assert.throws(() => traces({ preferred_temporality: 'delta' }), /options\.preferred_temporality/);
  });
});

function grpcEndpoint(options: object, env: Environment = {}): unknown {
  return Reflect.get(otlp({ protocol: 'grpc', ...options }, env), 'url');
}

suite('resolving the protocol of OTLP', () => {
  test('by option, by the variable of the signal, by the general one', () => {
    const general = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    const metrics = { ...general, OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json' };
    const found = [otlp({}, general), otlp({}, metrics), otlp({ protocol: 'http/protobuf' }, metrics)];
    assert.deepEqual(
      found.map((options) => Reflect.get(options, 'protocol')),
      ['grpc', 'http/json', 'http/protobuf'],
    );
    assert.deepEqual(pathsOf(problemsOf('otlp', { protocol: 'http' })), ['exporter.options.protocol']);
  });

  test('a gRPC endpoint is scheme, host and port; the scheme says whether it is secure', () => {
    assert.equal(grpcEndpoint({}), 'http://localhost:4317');
    assert.equal(grpcEndpoint({ endpoint: 'http://h:1' }), 'http://h:1');
    assert.equal(grpcEndpoint({ endpoint: 'https://h:1/', insecure: true }), 'https://h:1');
    assert.equal(grpcEndpoint({ endpoint: 'h:1' }), 'https://h:1');
    assert.equal(grpcEndpoint({ endpoint: 'h:1', insecure: true }), 'http://h:1');
    assert.equal(grpcEndpoint({ endpoint: '[::1]:1', insecure: true }), 'http://[::1]:1');
    assert.equal(grpcEndpoint({ endpoint: 'h:1' }, { OTEL_EXPORTER_OTLP_INSECURE: 'TRUE' }), 'http://h:1');
    assert.equal(
      grpcEndpoint({}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://general:4317/' }),
      'http://general:4317',
    );
    assert.equal(
      grpcEndpoint({ endpoint: 'http://h:1' }, { OTEL_EXPORTER_OTLP_INSECURE: 'false' }),
      'http://h:1',
      'the variable is for endpoints without a scheme',
    );
  });

  test('what gRPC cannot do is refused', () => {
    for (const endpoint of ['', 'ftp://h', 'http://h/path', 'http://', 'http://user:secret@h', 5]) {
      const problems = problemsOf('otlp', { protocol: 'grpc', endpoint });
      assert.deepEqual(pathsOf(problems), ['exporter.options.endpoint'], String(endpoint));
      assert.ok(!JSON.stringify(problems).includes('secret'));
    }
    const problems = problemsOf('otlp', {
      protocol: 'grpc',
      endpoint: 'http://h:1',
      insecure: false,
      compression: 'zstd',
      headers: { 'grpc-timeout': '1', 'x!': 'secret', fine: 'x' },
    });
    assert.deepEqual(pathsOf(problems), [
      'exporter.options.compression',
      'exporter.options.endpoint',
      'exporter.options.headers.grpc-timeout',
      'exporter.options.headers.x!',
    ]);
    assert.ok(!JSON.stringify(problems).includes('secret'));
    assert.deepEqual(pathsOf(problemsOf('otlp', { insecure: true })), ['exporter.options.insecure']);
    assert.deepEqual(pathsOf(problemsOf('otlp', { protocol: 'grpc', insecure: 'maybe' })), [
      'exporter.options.insecure',
    ]);
  });
});

suite('resolving module#Class', () => {
  const FILES = {
    'program.js': '',
    'local.js': 'throw new Error("loaded");',
    'node_modules/plain/package.json': '{"main":"main.js"}',
    'node_modules/plain/main.js': 'throw new Error("loaded");',
    'node_modules/@scope/modern/package.json': JSON.stringify({
      exports: {
        '.': { types: './index.d.ts', import: { node: './index.mjs', default: './browser.mjs' } },
        './sub': [{ browser: './none.mjs' }, { import: './sub.mjs' }],
      },
    }),
    'node_modules/@scope/modern/index.mjs': 'throw new Error("loaded");',
    'node_modules/@scope/modern/sub.mjs': 'throw new Error("loaded");',
    'node_modules/sugar/package.json': '{"exports":{"import":"./index.mjs"}}',
    'node_modules/sugar/index.mjs': 'throw new Error("loaded");',
  };

  test('is found from the program, and not loaded', (t) => {
    const directory = realpathSync(writeProgram(t, FILES));
    const program = join(directory, 'program.js');
    const local = join(directory, 'local.js');
    const cases: Record<string, string> = {
      'plain#X': 'node_modules/plain/main.js',
      'plain/main.js#X': 'node_modules/plain/main.js',
      '@scope/modern#X': 'node_modules/@scope/modern/index.mjs',
      '@scope/modern/sub#X': 'node_modules/@scope/modern/sub.mjs',
      'sugar#default': 'node_modules/sugar/index.mjs',
      './local.js#X': 'local.js',
      [`${local}#X`]: 'local.js',
      [`${pathToFileURL(local).href}#X`]: 'local.js',
    };
    for (const [type, file] of Object.entries(cases)) {
      const expected = { type, options: { a: 1 }, module: pathToFileURL(join(directory, file)).href };
      assert.deepEqual(resolveExporter({ type, options: { a: 1 } }, {}, { program }), expected);
      assert.deepEqual(
        resolveExporter({ type, options: { a: 1 } }, {}, { program: pathToFileURL(program).href }),
        expected,
      );
    }
  });

  test('is found from where the program really lies, else from the working directory', (t) => {
    const directory = realpathSync(writeProgram(t, FILES));
    const bin = realpathSync(writeProgram(t, {}));
    const command = join(bin, 'command');
    symlinkSync(join(directory, 'program.js'), command);
    const [original] = process.argv.splice(1, 1, command);
    t.after(() => process.argv.splice(1, 1, original));
    const expected = pathToFileURL(join(directory, 'node_modules', 'plain', 'main.js')).href;
    assert.equal(resolveExporter({ type: 'plain#X' }, {}).module, expected);

    process.argv.splice(1, 1, join(bin, 'gone.js'));
    assert.deepEqual(pathsOf(problemsOf('plain#X')), ['exporter.type']);
    const cwd = process.cwd();
    process.chdir(directory);
    t.after(() => process.chdir(cwd));
    assert.equal(resolveExporter({ type: 'plain#X' }, {}).module, expected);
  });

  test('what is not found is said on one line', (t) => {
    const program = join(writeProgram(t, FILES), 'program.js');
    const types = [
      'missing#X',
      './missing.js#X',
      '/missing#X',
      '@scope/modern/other#X',
      'node:fs#X',
      'fs#X',
      'file:///missing.js#X',
      'file://host:1/x#X',
    ];
    for (const type of types) {
      const [problem] = problemsOf(type, undefined, {}, program);
      assert.equal(problem.path, 'exporter.type');
      assert.equal(problem.value, type);
      assert.match(problem.expected, /with a module that resolves \(\S[^\n]+\)$/);
    }
  });
});
