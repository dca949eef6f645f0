import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Cli, lastLine } from './cli.ts';

const RIGHT = `
cache: {name: here}
include: [traces.json]
opentelemetry:
  metrics:
    attributes:
      - {type: host, options: {attributes: {node: name}}}
      - {type: msc_config, options: {attributes: {cache: {expression: cache.name}}}}
    reader: {options: {collect_interval_millis: 10, export_interval_millis: 1000}}
    exporter:
      type: otlp
      options: {endpoint: "https://me:hunter2@collector:4318/v1/metrics?key=hunter2", headers: {authorization: hunter2}}
`;
const TRACES = JSON.stringify({
  opentelemetry: {
    traces: { exporter: { type: 'console' }, sampler: { type: 'traceidratio', options: { ratio: 0.5 } } },
  },
});
const WRONG = `
opentelemetry:
  metrics:
    reader:
      options: {collect_interval: 10}
    exporter: {type: nonsense}
`;

/** Finds nothing, unless a test says where. */
const ALONE = { HOME: '/nowhere', XDG_CONFIG_HOME: '', XDG_CONFIG_DIRS: '/nowhere', MSC_CONFIG: '' };

function cliWith(t: ConstructorParameters<typeof Cli>[0], files: Readonly<Record<string, string>>): Cli {
  const cli = new Cli(t);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(cli.directory, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return cli;
}

describe('msc-telemetry validate', () => {
  it('says what a right file comes to, without its secrets', async (t) => {
    const cli = cliWith(t, { 'right.yaml': RIGHT, 'traces.json': TRACES });
    const file = path.join(cli.directory, 'right.yaml');
    const { code, stdout, stderr } = await cli.run(['validate', 'right.yaml'], { env: ALONE });
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      `${file} is right`,
      `files    ${file}, ${path.join(cli.directory, 'traces.json')}`,
      'metrics  otlp to https://collector:4318/v1/metrics; collected every 10 ms; exported every 1000 ms; resampling none; attributes host, static',
      'traces   console; exported every 5000 ms; sampler traceidratio 0.5',
    ]);
    const { stdout: json } = await cli.run(['validate', '--json', 'right.yaml'], { env: ALONE });
    const { valid, files, metrics, traces } = lastLine(json);
    assert.deepEqual([valid, files.length, metrics.exporter.type], [true, 2, 'otlp']);
    assert.equal(traces.sampler.ratio, 0.5);
    assert.ok(!(stdout + json).includes('hunter2'));
  });

  it('lists sections that are not known', async (t) => {
    const cli = cliWith(t, {
      'newer.yaml': 'newer: {}\npath_mapping: {}\nopentelemtric: {}\nopentelemetry: {}',
    });
    const wrong = await cli.run(['validate', 'newer.yaml'], { env: ALONE });
    assert.deepEqual([wrong.code, wrong.stdout.split('\n').length], [1, 3]);
    writeFileSync(path.join(cli.directory, 'newer.yaml'), 'newer: {}\npath_mapping: {}\ntracing: {}');
    const { code, stdout } = await cli.run(['validate', 'newer.yaml'], { env: ALONE });
    assert.deepEqual(
      [code, stdout.trimEnd().split('\n').at(-1)],
      [0, 'note     not known here, left alone: newer, tracing'],
    );
    const { stdout: json } = await cli.run(['validate', '--json', 'newer.yaml'], { env: ALONE });
    assert.deepEqual(lastLine(json).unknownSections, ['newer', 'tracing']);
  });

  it('says all that is wrong, with file and line', async (t) => {
    const cli = cliWith(t, { 'wrong.yaml': WRONG });
    const file = path.join(cli.directory, 'wrong.yaml');
    const { code, stdout } = await cli.run(['validate', 'wrong.yaml'], { env: ALONE });
    assert.equal(code, 1);
    const [first, second, ...rest] = stdout.trimEnd().split('\n');
    assert.ok(
      first.startsWith(
        `${file}:5: opentelemetry.metrics.reader.options.collect_interval: got 10, expected one of`,
      ),
      first,
    );
    assert.ok(second.startsWith(`${file}:6: opentelemetry.metrics.exporter.type: got "nonsense"`), second);
    assert.deepEqual(rest, [`2 problems in ${file}`]);
    writeFileSync(file, WRONG.replace('collect_interval:', 'collect_interval_millis:'));
    const { code: again, stdout: json } = await cli.run(['validate', '--json', 'wrong.yaml'], { env: ALONE });
    const { valid, problems } = lastLine(json);
    assert.deepEqual([again, valid, problems.length], [1, false, 1]);
    const { path: at, value, line } = problems[0];
    assert.deepEqual([at, value, line], ['opentelemetry.metrics.exporter.type', 'nonsense', 6]);
  });

  it('says where the syntax is wrong, and which file is not there', async (t) => {
    const cli = cliWith(t, { 'syntax.json': '{\n"opentelemetry": }' });
    const syntax = await cli.run(['validate', 'syntax.json'], { env: ALONE });
    assert.equal(syntax.code, 1);
    assert.match(syntax.stdout, /syntax\.json:2:18: expected a JSON value\n1 problem in .*syntax\.json\n$/u);
    const missing = await cli.run(['validate', 'none.yaml'], { env: ALONE });
    assert.equal(missing.code, 1);
    assert.match(missing.stdout, /none\.yaml: expected a file that can be read \(ENOENT/u);
  });

  it('takes the file that would be found, and says which', async (t) => {
    const cli = cliWith(t, { 'home/.msc_config.yaml': 'cache: {}', 'named.yaml': 'opentelemetry: {}' });
    const home = path.join(cli.directory, 'home');
    const found = await cli.run(['validate'], { env: { ...ALONE, HOME: home } });
    assert.equal(found.code, 0);
    assert.equal(
      found.stdout,
      `${home}/.msc_config.yaml is right\nmetrics  as OpenTelemetry’s variables say\ntraces   as OpenTelemetry’s variables say\n`,
    );
    const named = await cli.run(['validate'], {
      env: {
        ...ALONE,
        HOME: home,
        MSC_CONFIG: path.join(cli.directory, 'named.yaml'),
        OTEL_SDK_DISABLED: 'true',
      },
    });
    assert.match(
      named.stdout,
      /named\.yaml is right\nmetrics {2}off: no exporter\n.*\nOTEL_SDK_DISABLED is true/u,
    );
    const none = await cli.run(['validate'], { env: ALONE });
    assert.equal(none.code, 1);
    assert.match(
      none.stdout,
      /^expected a file: MSC_CONFIG is not set, and there is none of \/nowhere\/\.msc_config\.yaml, /u,
    );
  });
});
