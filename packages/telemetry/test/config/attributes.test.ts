import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { resolveMetricsConfig, type MetricsOptions } from '../../src/config/metrics.ts';
import type { AttributesProviderConfig } from '../../src/config/signals.ts';
import type { Problem } from '../../src/errors.ts';
import { errorOf } from '../telemetry-error.ts';
import { scratch } from '../tree/scratch.ts';

const WHOLE = { profiles: { a: { provider: { type: 's3', port: 9000 } }, b: {} }, secret: 'hush' };

function resolve(attributes: unknown, program?: string): readonly AttributesProviderConfig[] | undefined {
  const options = { exporter: { type: 'console' }, attributes } as MetricsOptions;
  const place = program === undefined ? {} : { program };
  return resolveMetricsConfig(options, {}, { configuration: () => WHOLE, ...place }).attributes;
}

const problemsOf = (attributes: unknown): readonly Problem[] => errorOf(() => resolve(attributes)).problems;
const expression = (text: string): object => ({
  type: 'msc_config',
  options: { attributes: { key: { expression: text } } },
});

suite('attributes providers', () => {
  test('come out as they are written', () => {
    const providers = [
      { type: 'static', options: { attributes: { a: 'b', n: 1, t: true, l: ['x', 'y'] } } },
      { type: 'host', options: { attributes: { node: 'name' } } },
      { type: 'process', options: { attributes: { process: 'pid' } } },
      { type: 'thread', options: { attributes: { t: 'ident', n: 'native_id' } } },
      { type: 'environment_variables', options: { attributes: { job: 'JOB_ID' } } },
    ];
    const resolved = resolve(providers);
    assert.deepEqual(resolved, providers);
    assert.ok(Object.isFrozen(resolved?.[0].options['attributes']));
  });

  test('locate a class of the program, without loading it', (t) => {
    const directory = scratch(t);
    writeFileSync(path.join(directory, 'provider.cjs'), 'throw new Error("loaded")');
    const [provider] =
      resolve(
        [{ type: './provider.cjs#Mine', options: { deep: [{ a: null }] } }],
        path.join(directory, 'app.js'),
      ) ?? [];
    assert.deepEqual(provider, {
      type: './provider.cjs#Mine',
      options: { deep: [{ a: null }] },
      module: pathToFileURL(path.join(directory, 'provider.cjs')).href,
    });
  });

  test('evaluate expressions to plain attributes', () => {
    const values: [text: string, value: unknown][] = [
      ['profiles.a.provider.type', 's3'],
      ['profiles.a.provider.port', 9000],
      ['keys(profiles)', ['a', 'b']],
      ['length(keys(profiles))', 2],
      ['profiles.a.provider.port > `1`', true],
    ];
    for (const [text, value] of values) {
      assert.deepEqual(resolve([expression(text)]), [
        { type: 'static', options: { attributes: { key: value } } },
      ]);
    }
  });

  test('hash', () => {
    // Of `printf hush | openssl dgst -sha3-256`.
    const digest = 'f7a02ca7bb6db87638a1351a37f5fb3c6110fd6532f6bd4b56bf302a83afe87e';
    for (const algorithm of ['sha3-256', 'sha3_256']) {
      assert.deepEqual(resolve([expression(`hash('${algorithm}', secret)`)]), [
        { type: 'static', options: { attributes: { key: digest } } },
      ]);
    }
    const [first] = resolve([expression("join(',', map(&hash('sha256', @), keys(profiles)))")]) ?? [];
    assert.match(JSON.stringify(first), /"[0-9a-f]{64},[0-9a-f]{64}"/);
  });

  test('leave out what an expression does not find', () => {
    assert.equal(resolve([expression('profiles.none.type')]), undefined);
  });

  test('are equal where they say the same', () => {
    assert.deepEqual(
      resolve([expression('profiles.a.provider.type')]),
      resolve([{ type: 'static', options: { attributes: { key: 's3' } } }]),
    );
  });
});

suite('wrong attributes providers', () => {
  const wrong: [provider: unknown, path: string, expected: RegExp][] = [
    ['host', 'attributes[0]', /an object with the keys type, options/],
    [{ type: 'hots' }, 'attributes[0].type', /static, host, .* or module#Class \(did you mean host\?\)$/],
    [{ options: {} }, 'attributes[0].type', /module#Class$/],
    [{ type: 'host' }, 'attributes[0].options.attributes', /each value name/],
    [{ type: 'host', options: { attributes: { a: 'nam' } } }, 'attributes[0].options.attributes.a', /^name$/],
    [
      { type: 'thread', options: { attributes: { a: 5 } } },
      'attributes[0].options.attributes.a',
      /ident or native_id/,
    ],
    [
      { type: 'static', options: { attributes: { a: {} } } },
      'attributes[0].options.attributes.a',
      /a string, a number/,
    ],
    [
      { type: 'static', options: { attributes: { a: ['x', 1] } } },
      'attributes[0].options.attributes.a',
      /a list of one/,
    ],
    [
      { type: 'static', options: { attributes: { a: NaN } } },
      'attributes[0].options.attributes.a',
      /a number/,
    ],
    [{ type: './not-there.js#Mine' }, 'attributes[0].type', /a module that resolves \(Error: Cannot find/],
    [{ type: `${import.meta.filename}#C`, options: { f: () => 1 } }, 'attributes[0].options.f', /JSON/],
    [expression('profiles['), 'attributes[0].options.attributes.key.expression', /a JMESPath expression \(/],
    [expression('nope(@)'), 'attributes[0].options.attributes.key.expression', /[Uu]nknown function: nope/],
    [
      expression("hash('md0', secret)"),
      'attributes[0].options.attributes.key.expression',
      /unknown algorithm md0/,
    ],
    [expression('profiles'), 'attributes[0].options.attributes.key.expression', /it gives object/],
    [
      { type: 'msc_config', options: { attributes: { key: 'profiles' } } },
      'attributes[0].options.attributes.key',
      /an object with the keys expression/,
    ],
  ];
  for (const [provider, place, expected] of wrong) {
    test(`${place}: ${expected.source}`, () => {
      const [problem, ...others] = problemsOf([provider]);
      assert.deepEqual([others, problem.path], [[], place]);
      assert.match(problem.expected, expected);
    });
  }

  test('an expression without a whole configuration', () => {
    const options = { exporter: { type: 'console' }, attributes: [expression('a')] } as MetricsOptions;
    const [problem] = errorOf(() => resolveMetricsConfig(options, {})).problems;
    assert.match(problem.expected, /a whole configuration/);
  });

  test('all at once, with their numbers', () => {
    const paths = problemsOf([expression('a['), { type: 'x' }, { type: 'host', options: {} }]).map(
      ({ path: at }) => at,
    );
    assert.deepEqual(paths.toSorted(), [
      'attributes[0].options.attributes.key.expression',
      'attributes[1].type',
      'attributes[2].options.attributes',
    ]);
  });
});
