import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { resolveMetricsConfig, type MetricsOptions } from '../../src/config/metrics.ts';
import { withoutSecrets } from '../../src/config/secrets.ts';
import { errorOf } from '../telemetry-error.ts';

const SECRET = 'hunter2';

suite('no error shows a secret', () => {
  const wrong: [what: string, options: unknown][] = [
    ['a header', { exporter: { type: 'otlp', options: { headers: { authorization: [SECRET] } } } }],
    ['headers under a misspelt key', { exporter: { type: 'otlp', options: { haeders: { a: SECRET } } } }],
    ['headers that are none', { exporter: { type: 'otlp', options: { headers: SECRET } } }],
    ['options beside the exporter', { exporter: { type: 'otlp' }, options: { headers: { a: SECRET } } }],
    ['an exporter in a list', { exporter: [{ type: 'otlp', options: { headers: { a: SECRET } } }] }],
    ['an exporter in the reader', { reader: { exporter: { options: { clientCredential: SECRET } } } }],
    ['a URL', { exporter: { type: 'otlp', options: { endpoint: `ftp://me:${SECRET}@host/` } } }],
    [
      'the query of a URL',
      { exporter: { type: 'otlp', options: { endpoint: `ftp://host/?key=${SECRET}` } } },
    ],
    ['a URL elsewhere', { exporter: { type: `http://me:${SECRET}@host/` } }],
    ['a token', { exporter: { type: 'console' }, token: SECRET }],
    [
      'credentials in an unknown section',
      { exporter: { type: 'console' }, auth: { approle_secret: SECRET } },
    ],
  ];
  for (const [what, options] of wrong) {
    test(what, () => {
      const { message, problems } = errorOf(() => resolveMetricsConfig(options as MetricsOptions, {}));
      assert.ok(problems.length > 0);
      assert.ok(!message.includes(SECRET), message);
      assert.ok(!JSON.stringify(problems).includes(SECRET));
      assert.ok(message.includes('(hidden)'), message);
    });
  }

  test('what is none is shown as it is', () => {
    const values = [5, 'soon', null, undefined, { a: [1] }, ['x'], 10n];
    for (const value of values) {
      const problem = { path: 'reader.options.speed', value, expected: 'x' };
      assert.equal(withoutSecrets(problem), problem);
    }
    const endpoint = { path: 'exporter.options.endpoint', value: 'nowhere', expected: 'x' };
    assert.equal(withoutSecrets(endpoint), endpoint);
  });

  test('a header is hidden, whatever its name', () => {
    for (const name of ['endpoint', 'x-key', 'path']) {
      const problem = { path: `exporter.options.headers.${name}`, value: SECRET, expected: 'x' };
      assert.equal(withoutSecrets(problem).value, '(hidden)');
    }
  });

  test('what cannot be looked at is hidden', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error(SECRET);
        },
      },
    );
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    for (const value of [hostile, cycle]) {
      const shown = withoutSecrets({ path: 'a', value, expected: 'x' });
      assert.match(JSON.stringify(shown.value), /\(hidden\)/);
    }
  });
});
