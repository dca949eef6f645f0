import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { TelemetryError, type Problem } from '../../src/errors.ts';
import { isMsalConfig } from '../../src/exporters/msal-config.ts';
import { resolveExporter, type TelemetrySignal } from '../../src/exporters/resolve.ts';
import { modulesLoadedBy, importOf } from './programs.ts';

const SECRET = 'very-secret';
const AUTH = { scopes: ['api://x/.default'], client_id: 'id', client_credential: SECRET };

function resolve(options: object, signal: TelemetrySignal = 'metrics'): Readonly<Record<string, unknown>> {
  return resolveExporter({ type: '_otlp_msal', options }, {}, { signal }).options;
}

function problemsOf(options: object): readonly Problem[] {
  try {
    resolve(options);
  } catch (error) {
    assert.ok(error instanceof TelemetryError);
    assert.ok(!error.message.includes(SECRET), error.message);
    return error.problems;
  }
  return [];
}

function pathsOf(auth: object): string[] {
  return problemsOf({ auth: { ...AUTH, ...auth } }).map(({ path }) => path);
}

suite('options of _otlp_msal', () => {
  test('what is needed, and the options of otlp for both signals', () => {
    const options = resolve({ auth: AUTH, exporter: { endpoint: 'https://h/x', timeout: 2 } });
    assert.ok(isMsalConfig(options));
    assert.deepEqual(options.auth, {
      scopes: ['api://x/.default'],
      clientId: 'id',
      credential: { secret: SECRET },
      isOidc: false,
      validatesAuthority: true,
    });
    assert.deepEqual([options.exporter.url, options.exporter.timeoutMillis], ['https://h/x', 2000]);
    const traces = resolve({ auth: AUTH }, 'traces');
    assert.ok(isMsalConfig(traces));
    assert.equal(traces.exporter.url, 'http://localhost:4318/v1/traces');
  });

  test('everything, in either spelling', () => {
    const certificate = { private_key: 'k', thumbprint: 'AB', public_certificate: 'c', passphrase: 'p' };
    const options = resolve({
      auth: {
        scopes: ['a', 'b'],
        clientId: 'id',
        clientCredential: certificate,
        authority: 'https://login.example.com/tenant',
        validate_authority: false,
        client_capabilities: ['CP1'],
        azure_region: 'westeurope',
        verify: import.meta.filename,
      },
    });
    assert.deepEqual(options['auth'], {
      scopes: ['a', 'b'],
      clientId: 'id',
      credential: {
        certificate: { privateKey: 'k', thumbprint: 'AB', publicCertificate: 'c', passphrase: 'p' },
      },
      authority: 'https://login.example.com/tenant',
      isOidc: false,
      validatesAuthority: false,
      clientCapabilities: ['CP1'],
      azureRegion: 'westeurope',
      certificateFile: import.meta.filename,
    });
    const oidc = resolve({ auth: { ...AUTH, oidc_authority: 'https://id.example.com', verify: true } });
    assert.ok(isMsalConfig(oidc));
    assert.deepEqual([oidc.auth.isOidc, oidc.auth.authority], [true, 'https://id.example.com']);
    const assertion = resolve({ auth: { ...AUTH, client_credential: { client_assertion: 'jwt' } } });
    assert.ok(isMsalConfig(assertion));
    assert.deepEqual(assertion.auth.credential, { assertion: 'jwt' });
  });

  test('everything that is wrong is reported at once, without its secrets', () => {
    const problems = problemsOf({
      auth: { client_credential: { private_key: SECRET }, tenant: 'x', authority: 'http://h' },
      exporter: { endpoint: 'nowhere', retries: 1 },
      scopes: [],
    });
    assert.deepEqual(
      problems.map(({ path }) => path.replace('exporter.options.', '')),
      [
        'scopes',
        'auth.tenant',
        'auth.scopes',
        'auth.authority',
        'auth.client_id',
        'auth.client_credential',
        'exporter.retries',
        'exporter.endpoint',
      ],
    );
    const wrong: [object, string][] = [
      [{ scopes: 'api://x' }, 'scopes'],
      [{ scopes: [5] }, 'scopes'],
      [{ client_credential: '' }, 'client_credential'],
      [{ client_credential: { private_key: SECRET, thumbprint: 5 } }, 'client_credential'],
      [{ client_credential: { private_key: SECRET, thumbprint: 'A', other: SECRET } }, 'client_credential'],
      [{ authority: 'https://a', oidc_authority: 'https://b' }, 'oidc_authority'],
      [{ instance_discovery: 'no' }, 'instance_discovery'],
      [{ client_capabilities: [] }, 'client_capabilities'],
      [{ verify: false }, 'verify'],
      [{ verify: '/does/not/exist' }, 'verify'],
    ];
    for (const [auth, name] of wrong) assert.deepEqual(pathsOf(auth), [`exporter.options.auth.${name}`]);
    assert.deepEqual(problemsOf({ auth: [SECRET] }).map(({ path }) => path)[0], 'exporter.options.auth');
  });

  test('resolving does not load MSAL', () => {
    const urls = modulesLoadedBy(`
      const { resolveExporter } = ${importOf('../../src/exporters/resolve.js')};
      resolveExporter({ type: '_otlp_msal', options: { auth: ${JSON.stringify(AUTH)} } }, {});
    `);
    assert.deepEqual(
      urls.filter((url) => url.includes('node_modules')),
      [],
    );
  });

  test('options that were not resolved are known', () => {
    for (const options of [{}, { auth: AUTH }, { auth: AUTH, exporter: {} }])
      assert.ok(!isMsalConfig(options));
  });
});
