import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { TelemetryError, type Problem } from '../../src/errors.ts';
import type { Environment } from '../../src/exporters/option-source.ts';
import { resolveExporter } from '../../src/exporters/resolve.ts';
import { isVaultConfig, type VaultConfig } from '../../src/exporters/vault-config.ts';

const SECRET = 'very-secret';
const AUTH = { vault_endpoint: 'https://vault:8200/', approle_id: 'role', approle_secret: SECRET };
const EXPORTER = { endpoint: 'https://h/x' };

function resolve(options: object, env: Environment = {}): VaultConfig {
  const resolved = resolveExporter({ type: '_otlp_mtls_vault', options }, env).options;
  assert.ok(isVaultConfig(resolved));
  return resolved;
}

function problemsOf(options: object, env: Environment = {}): readonly Problem[] {
  try {
    resolve(options, env);
  } catch (error) {
    assert.ok(error instanceof TelemetryError);
    assert.ok(!error.message.includes(SECRET), error.message);
    return error.problems;
  }
  return [];
}

suite('options of _otlp_mtls_vault', () => {
  test('what is needed; the rest has defaults', () => {
    const { auth, exporter, cacheDirectory } = resolve({ auth: AUTH, exporter: EXPORTER });
    assert.deepEqual(auth, {
      endpoint: 'https://vault:8200',
      roleId: 'role',
      secretId: SECRET,
      mountPoint: 'secret',
      secretPath: 'certificates',
      certKey: 'cert',
      keyKey: 'key',
      caKey: 'ca',
    });
    assert.equal(exporter.url, 'https://h/x');
    assert.equal(cacheDirectory, join(homedir(), '.cache', 'multistorageclient', 'certificates'));
  });

  test('everything, in either spelling, and what the environment says', () => {
    const options = {
      auth: {
        vaultEndpoint: 'http://vault/base//',
        vault_namespace: 'team',
        approleId: 'role',
        approle_secret: SECRET,
        mount_point: 'kv',
        secret_path: 'a/b',
        cert_key: 'c',
        key_key: 'k',
        ca_key: 'a',
      },
      exporter: { protocol: 'grpc', endpoint: 'h:4317' },
    };
    const env = { VAULT_CACERT: import.meta.filename, XDG_CACHE_HOME: '/var/cache' };
    const { auth, exporter, cacheDirectory } = resolve(options, env);
    assert.deepEqual(auth, {
      endpoint: 'http://vault/base',
      namespace: 'team',
      roleId: 'role',
      secretId: SECRET,
      mountPoint: 'kv',
      secretPath: 'a/b',
      certKey: 'c',
      keyKey: 'k',
      caKey: 'a',
      certificateFile: import.meta.filename,
    });
    assert.equal(exporter.url, 'https://h:4317');
    assert.equal(cacheDirectory, join('/var/cache', 'multistorageclient', 'certificates'));
    const relative = resolve({ auth: AUTH, exporter: EXPORTER }, { XDG_CACHE_HOME: 'cache' });
    assert.ok(
      relative.cacheDirectory.startsWith(homedir()),
      'a relative one is ignored, as the XDG rules say',
    );
  });

  test('everything that is wrong is reported at once, without its secrets', () => {
    const options = {
      auth: {
        vault_endpoint: `https://user:${SECRET}@vault`,
        approle_secret: [SECRET],
        mount_point: 5,
        role: 1,
      },
      exporter: { endpoint: 'http://h', retries: 1 },
      cache: true,
    };
    assert.deepEqual(
      problemsOf(options, { VAULT_CACERT: '/does/not/exist' })
        .map(({ path }) => path.replace('exporter.options.', ''))
        .toSorted(),
      [
        'VAULT_CACERT',
        'auth.approle_id',
        'auth.approle_secret',
        'auth.mount_point',
        'auth.role',
        'auth.vault_endpoint',
        'cache',
        'exporter.endpoint',
        'exporter.retries',
      ],
    );
    const [misspelt] = problemsOf({ auth: { ...AUTH, rolle: 1 }, exporter: EXPORTER });
    assert.match(misspelt.expected, /^only vault_endpoint, [a-z_, ]+$/, 'one spelling of each');
    const paths = problemsOf({}).map(({ path }) => path);
    assert.ok(paths.includes('exporter.options.exporter.endpoint'), 'the default is not secure');
    for (const endpoint of ['vault:8200', 'ftp://vault', '', 5]) {
      const [{ path }, ...others] = problemsOf({
        auth: { ...AUTH, vault_endpoint: endpoint },
        exporter: EXPORTER,
      });
      assert.deepEqual([path, others], ['exporter.options.auth.vault_endpoint', []]);
    }
  });
});
