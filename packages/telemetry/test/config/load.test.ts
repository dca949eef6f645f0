import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { configurationOf, loadConfiguration } from '../../src/config/load.ts';
import { usualPlaces } from '../../src/config/search.ts';
import { errorOf } from '../telemetry-error.ts';
import { directoryOf, ORIGINAL } from './files.ts';

const EXPORTER = 'opentelemetry: {metrics: {exporter: {type: console}}}';

const provider = (from: string): object => ({ type: 'static', options: { attributes: { from } } });
const attributes = (from: string): string =>
  `opentelemetry: {metrics: {attributes: [{type: static, options: {attributes: {from: ${from}}}}]}}`;

function contentOf(text: string, env: NodeJS.ProcessEnv, t: TestContext): any {
  return loadConfiguration(path.join(directoryOf(t, { 'c.yaml': text }), 'c.yaml'), env)?.configuration;
}

suite('the search for a configuration', () => {
  test('has an order', () => {
    const env = { HOME: '/home/me', XDG_CONFIG_HOME: '/home/me/own', XDG_CONFIG_DIRS: '/a:relative:/b' };
    const places = [
      '/home/me/own/msc/config',
      '/home/me/.msc_config',
      '/home/me/.config/msc/config',
      '/a/msc/config',
      '/b/msc/config',
      '/etc/msc_config',
    ];
    assert.deepEqual(
      usualPlaces(env),
      places.flatMap((place) => [`${place}.yaml`, `${place}.json`]),
    );
    const fallback = [
      '/etc/xdg/msc/config.yaml',
      '/etc/xdg/msc/config.json',
      '/etc/msc_config.yaml',
      '/etc/msc_config.json',
    ];
    assert.deepEqual(usualPlaces({}), fallback);
    assert.deepEqual(usualPlaces({ XDG_CONFIG_DIRS: '', XDG_CONFIG_HOME: 'own' }), fallback);
  });

  test('takes the first that exists, alone', (t) => {
    const files = {
      'given.yaml': '{cache: 1}',
      'named.yaml': '{cache: 2}',
      'own/msc/config.yaml': '{cache: 3}',
      'own/msc/config.json': '{"cache": 4}',
      'home/.msc_config.json': '{"cache": 5}',
      'home/.config/msc/config.yaml': '{cache: 6}',
      'b/msc/config.json': '{"cache": 7}',
    };
    const directory = directoryOf(t, files);
    const env: NodeJS.ProcessEnv = {
      MSC_CONFIG: path.join(directory, 'named.yaml'),
      XDG_CONFIG_HOME: path.join(directory, 'own'),
      HOME: path.join(directory, 'home'),
      XDG_CONFIG_DIRS: [path.join(directory, 'a'), path.join(directory, 'b')].join(':'),
    };
    const cacheOf = (file?: string): unknown => loadConfiguration(file, env)?.configuration['cache'];
    assert.equal(cacheOf(path.join(directory, 'given.yaml')), 1);
    assert.equal(cacheOf(), 2);
    env['MSC_CONFIG'] = '';
    assert.equal(cacheOf(), 3);
    env['XDG_CONFIG_HOME'] = path.join(directory, 'nothing');
    assert.equal(cacheOf(), 5);
    env['HOME'] = path.join(directory, 'nothing');
    const loaded = loadConfiguration(undefined, env)!;
    assert.deepEqual(loaded.files, [path.join(directory, 'b/msc/config.json')]);
    assert.equal(loaded.path, loaded.files[0]);
  });

  test(
    'passes by what this user may not see',
    { skip: process.geteuid?.() === 0 && 'root sees all' },
    (t) => {
      const directory = directoryOf(t, { 'home/.msc_config.yaml': '{}' });
      chmodSync(path.join(directory, 'home'), 0);
      t.after(() => chmodSync(path.join(directory, 'home'), 0o700));
      const env = { HOME: path.join(directory, 'home'), XDG_CONFIG_DIRS: directory };
      assert.equal(loadConfiguration(undefined, env), undefined);
    },
  );

  test('finds none', (t) => {
    const directory = directoryOf(t, {});
    const env = { HOME: directory, XDG_CONFIG_DIRS: directory };
    assert.equal(loadConfiguration(undefined, env), undefined);
  });

  test('a file that was named has to be there', (t) => {
    const file = path.join(directoryOf(t, {}), 'none.yaml');
    for (const load of [
      () => loadConfiguration(file, {}),
      () => loadConfiguration(undefined, { MSC_CONFIG: file }),
    ]) {
      const { code, problems } = errorOf(load);
      assert.deepEqual([code, problems.length, problems[0].file], ['MSC_CONFIGURATION_UNREADABLE', 1, file]);
      assert.match(problems[0].expected, /ENOENT/);
    }
  });
});

suite('a configuration file', () => {
  test('is frozen, all of it', () => {
    const loaded = loadConfiguration(ORIGINAL, {})!;
    const { opentelemetry } = loaded.configuration as any;
    const parts = [
      loaded,
      loaded.files,
      loaded.configuration,
      opentelemetry,
      opentelemetry.metrics.attributes[0],
    ];
    for (const part of parts) assert.ok(Object.isFrozen(part));
  });

  test('says where each part of it is', () => {
    const loaded = loadConfiguration(ORIGINAL, {})!;
    const lines = [
      'opentelemetry',
      'opentelemetry.metrics.attributes[1].options',
      'opentelemetry.metrics.reader.options.speed',
    ];
    assert.deepEqual(
      lines.map((at) => loaded.locate(at)),
      [8, 17, 25].map((line) => ({ file: ORIGINAL, line })),
    );
  });

  test('may be empty, or in JSON, or spelled in camelCase', (t) => {
    const directory = directoryOf(t, {
      'empty.yaml': '# nothing\n',
      'empty.json': ' \n',
      'config.JSON': '{"opentelemetry": {"metrics": {"cardinalityLimit": 5}}}',
    });
    for (const name of ['empty.yaml', 'empty.json'])
      assert.deepEqual(loadConfiguration(path.join(directory, name), {})?.configuration, {});
    const { configuration } = loadConfiguration(path.join(directory, 'config.JSON'), {})!;
    assert.deepEqual(configuration, { opentelemetry: { metrics: { cardinalityLimit: 5 } } });
  });

  test('follows aliases and merge keys', (t) => {
    const text = `
profiles:
  base: &base {type: s3, options: {region: a}}
  first: *base
  second: {<<: *base, type: gcs}
  third: {<<: [{type: x}, *base]}
`;
    const { configuration } = loadConfiguration(path.join(directoryOf(t, { 'c.yaml': text }), 'c.yaml'), {})!;
    const options = { region: 'a' };
    assert.deepEqual(configuration['profiles'], {
      base: { type: 's3', options },
      first: { type: 's3', options },
      second: { options, type: 'gcs' },
      third: { type: 'x', options },
    });
  });

  test('that cannot be read is refused', (t) => {
    const directory = directoryOf(t, {
      'large.yaml': `# ${'x'.repeat(1_048_576)}`,
      'latin.yaml': '',
      'secret.yaml': EXPORTER,
    });
    writeFileSync(path.join(directory, 'latin.yaml'), Buffer.from([0x61, 0x3a, 0xe4]));
    mkdirSync(path.join(directory, 'directory.yaml'));
    chmodSync(path.join(directory, 'secret.yaml'), 0);
    const wrong: [name: string, expected: RegExp][] = [
      ['large.yaml', /at most 1048576 bytes \(it has 1048578\)/],
      ['latin.yaml', /it is not UTF-8/],
      ['directory.yaml', /^a file$/],
      ...(process.geteuid?.() === 0 ? [] : ([['secret.yaml', /EACCES/]] as [string, RegExp][])),
    ];
    for (const [name, expected] of wrong) {
      const { code, problems } = errorOf(() => loadConfiguration(path.join(directory, name), {}));
      assert.equal(code, 'MSC_CONFIGURATION_UNREADABLE');
      assert.match(problems[0].expected, expected);
    }
  });
});

suite('environment variables', () => {
  test('are put into texts, not into keys', (t) => {
    const text = `
$KEY: &x 1
opentelemetry:
  metrics:
    attributes:
      - type: static
        options:
          attributes:
            $KEY: \${A}-$B.$A_B/\${A}\${B}
            price: $$5 and $$A, $ alone, 100$
            number: 5
`.replace('$KEY: &x 1\n', '');
    const { opentelemetry } = contentOf(text, { A: 'a', B: '$A', A_B: '' }, t);
    assert.deepEqual(opentelemetry.metrics.attributes[0].options.attributes, {
      $KEY: 'a-$A./a$A',
      price: '$5 and $A, $ alone, 100$',
      number: 5,
    });
  });

  test('that are not set leave other sections as they are', (t) => {
    const { profiles, cache } = contentOf(
      'profiles: {a: {key: "${NOT_SET} $A"}}\ncache: {b: [$NOT_SET]}',
      { A: 'a' },
      t,
    );
    assert.deepEqual([profiles, cache], [{ a: { key: '${NOT_SET} a' } }, { b: ['$NOT_SET'] }]);
  });

  test('are put into sections that are not known, which are kept for expressions', (t) => {
    const text = 'newer: {key: "$A"}\notel: [1]\nexclude: {}\nopentelemetry: {}';
    const { newer, otel, exclude } = contentOf(text, { A: 'a' }, t);
    assert.deepEqual([newer, otel, exclude], [{ key: 'a' }, [1], {}]);
  });

  test('that are not set are problems in opentelemetry, all at once', (t) => {
    const text = 'opentelemetry: {traces: {exporter: {type: "$NOT_SET", options: ["${}", "${toString}"]}}}';
    const { code, problems } = errorOf(() => contentOf(text, {}, t));
    assert.equal(code, 'MSC_CONFIGURATION_INVALID');
    const [type, first, second, ...later] = problems;
    assert.deepEqual(
      [type, first, second].map(({ path: at, expected, line }) => [at, expected, line]),
      ['NOT_SET', '', 'toString'].map((name, index) => [
        `opentelemetry.traces.exporter.${index === 0 ? 'type' : `options[${index - 1}]`}`,
        `the environment variable ${name} to be set`,
        1,
      ]),
    );
    assert.deepEqual(
      later.map(({ path: at }) => at),
      ['opentelemetry.traces.exporter.options'],
    );
  });
});

suite('files that are included', () => {
  test('add to a configuration, in their order', (t) => {
    const directory = directoryOf(t, {
      'main.yaml': `include: [parts/a.yaml, $PARTS/b.json]\n${attributes('main')}`,
      'parts/a.yaml': `profiles: {a: {x: 1}}\ncache: {size: 1}\n${attributes('a')}`,
      'parts/b.json': `{"profiles": {"a": {"x": 1}, "b": {}}, "posix": {}, "opentelemetry": {
        "metrics": {"exporter": {"type": "console"}, "cardinality_limit": 7}, "traces": {}}}`,
    });
    const loaded = loadConfiguration(path.join(directory, 'main.yaml'), {
      PARTS: path.join(directory, 'parts'),
    })!;
    const files = ['main.yaml', 'parts/a.yaml', 'parts/b.json'].map((name) => path.join(directory, name));
    assert.deepEqual(loaded.files, files);
    assert.deepEqual(loaded.configuration, {
      profiles: { a: { x: 1 }, b: {} },
      cache: { size: 1 },
      posix: {},
      opentelemetry: {
        metrics: {
          attributes: [provider('main'), provider('a')],
          exporter: { type: 'console' },
          cardinality_limit: 7,
        },
        traces: {},
      },
    });
    const places = [
      'opentelemetry.metrics.attributes[1].type',
      'opentelemetry.metrics.exporter',
      'profiles.b',
    ];
    assert.deepEqual(
      places.map((at) => loaded.locate(at)),
      [
        { file: files[1], line: 3 },
        { file: files[2], line: 2 },
        { file: files[2], line: 1 },
      ],
    );
  });

  test('may repeat what is the same', (t) => {
    const text =
      'opentelemetry: {metrics: {reader: {options: {collect_interval_millis: 5}}, cardinality_limit: 5}}';
    const directory = directoryOf(t, {
      'main.yaml': `include: [a.yaml]\n${text}`,
      'a.yaml': text.replace('cardinality_limit', 'cardinalityLimit'),
    });
    const { configuration } = loadConfiguration(path.join(directory, 'main.yaml'), {})!;
    assert.deepEqual(configuration, {
      opentelemetry: {
        metrics: { reader: { options: { collect_interval_millis: 5 } }, cardinality_limit: 5 },
      },
    });
  });

  test('add nothing but what is their own', (t) => {
    const directory = directoryOf(t, {
      'main.yaml': 'include: [a.yaml]',
      'a.yaml': '__proto__: {opentelemetry: {metrics: {exporter: {type: console}}}}',
    });
    const { configuration } = loadConfiguration(path.join(directory, 'main.yaml'), {})!;
    assert.equal(configuration['opentelemetry'], undefined);
    assert.deepEqual(Object.keys(configuration), ['__proto__']);
  });

  test('have their problems reported with their own names and lines, beside those of others', (t) => {
    const directory = directoryOf(t, {
      'main.yaml':
        'include: [a.yaml]\nopentelemetry: {metrics: {attributes: [{type: hots}], exporter: {type: $NOT_SET}}}',
      'a.yaml':
        '\n\nopentelemetry:\n  metrics:\n    attributes:\n      - type: static\n      - type: $NEITHER',
    });
    const { problems } = errorOf(() => loadConfiguration(path.join(directory, 'main.yaml'), {}));
    assert.deepEqual(
      problems.map(({ file, line, path: at }) => [path.basename(file ?? ''), line, at]),
      [
        ['main.yaml', 2, 'opentelemetry.metrics.exporter.type'],
        ['a.yaml', 7, 'opentelemetry.metrics.attributes[1].type'],
        ['main.yaml', 2, 'opentelemetry.metrics.attributes[0].type'],
        ['a.yaml', 6, 'opentelemetry.metrics.attributes[1].options.attributes'],
        ['a.yaml', 7, 'opentelemetry.metrics.attributes[2].type'],
      ],
    );
  });
});

suite('a configuration that a program passes', () => {
  test('is expanded and checked as a file is, and left as it was', (t) => {
    const directory = directoryOf(t, { 'a.yaml': EXPORTER });
    const given = { include: [path.join(directory, 'a.yaml')], cache: { at: '$PLACE' }, posix: undefined };
    const { configuration, path: at, files } = configurationOf(given, { PLACE: '/x' });
    assert.deepEqual(configuration, {
      cache: { at: '/x' },
      opentelemetry: { metrics: { exporter: { type: 'console' } } },
    });
    assert.deepEqual([at, files], [undefined, given.include]);
    assert.deepEqual(given.cache, { at: '$PLACE' });
    assert.ok(!Object.isFrozen(given));
  });

  test('that is no plain data is refused', () => {
    const cycle: Record<string, unknown> = {};
    cycle['cache'] = cycle;
    for (const value of [cycle, { cache: new Date(0) }, { opentelemetry: 5 }]) {
      const error = errorOf(() => configurationOf(value, {}));
      assert.equal(error.code, 'MSC_CONFIGURATION_INVALID');
    }
  });
});
