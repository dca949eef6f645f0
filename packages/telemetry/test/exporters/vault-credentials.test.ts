import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { loadSpansExporter } from '../../src/exporters/load.ts';
import { VaultCredentials, type VaultTimes } from '../../src/exporters/vault-credentials.ts';
import type { VaultConfig } from '../../src/exporters/vault-config.ts';
import { until } from '../support/until.ts';
import { startVault } from '../support/vault.ts';
import { RESOURCE } from './batches.ts';
import { createCertificate } from './certificates.ts';
import { startTlsBackend } from './mutual-tls.ts';
import { importOf, writeProgram } from './programs.ts';
import { span, spanBatchOf } from './span-batches.ts';
import { startVaultDouble, type VaultDouble } from './vault-double.ts';
import { BATCH, exporterOf, QUICK, secretOf, vaultConfig, vaultSuite } from './vault-suite.ts';

const LOGIN = 'POST /v1/auth/approle/login';

vaultSuite('a double of Vault', startVaultDouble);
vaultSuite('a real Vault', startVault);

async function startDouble(t: TestContext): Promise<VaultDouble> {
  const vault = await startVaultDouble(t);
  const { key, certificate } = createCertificate('client');
  await vault.put('certificates', { cert: certificate, key, ca: certificate });
  return vault;
}

function credentialsOf(t: TestContext, config: VaultConfig, times: VaultTimes = QUICK): VaultCredentials {
  const credentials = new VaultCredentials(config, times);
  t.after(() => credentials.close());
  return credentials;
}

function loginsOf(vault: VaultDouble): number {
  return vault.requests.filter((request) => request === LOGIN).length;
}

/** A process that gets its certificates, says so, and stays until it is ended. */
function startProcess(t: TestContext, config: VaultConfig): ChildProcess {
  const program = `
    const { VaultCredentials } = ${importOf('../../src/exporters/vault-credentials.js')};
    process.on('message', () => undefined);
    const config = JSON.parse(process.argv[2]);
    const times = { retries: { retries: 0, backoffMillis: 1, timeoutMillis: 60_000 } };
    const { cert } = await new VaultCredentials(config, times).tls();
    process.send(cert);
  `;
  const file = join(writeProgram(t, { 'program.mjs': program }), 'program.mjs');
  const child = fork(file, [JSON.stringify(config)]);
  t.after(() => child.kill('SIGKILL'));
  return child;
}

suite('certificates of Vault', () => {
  test('are asked for within a namespace', async (t) => {
    const vault = await startDouble(t);
    vault.namespace = 'team/a';
    const config = vaultConfig(t, vault, 'https://127.0.0.1:9/', { namespace: 'team/a' });
    await credentialsOf(t, config).tls();
    assert.deepEqual(vault.requests, [LOGIN, 'GET /v1/secret/data/certificates']);
  });

  test('also of spans, by the loaded exporter', async (t) => {
    const vault = await startVaultDouble(t);
    const authority = createCertificate('authority', { isAuthority: true });
    const backend = await startTlsBackend(t, authority);
    await vault.put('certificates', secretOf(createCertificate('client', { issuer: authority }), backend));
    const options = { ...vaultConfig(t, vault, backend.url) };
    const exporter = await loadSpansExporter({ type: '_otlp_mtls_vault', options });
    const outcome = await exporter.export(spanBatchOf([RESOURCE, [span('a')]]), 5000);
    assert.equal(outcome.status, 'accepted');
    assert.deepEqual(backend.clients, ['client']);
    await exporter.shutdown();
  });

  test('five tries', async (t) => {
    const vault = await startDouble(t);
    const config = vaultConfig(t, vault, 'https://127.0.0.1:9/');
    for (const failure of [503, 'reset'] as const) {
      vault.requests.length = 0;
      vault.failure = () => failure;
      await assert.rejects(credentialsOf(t, config).tls(), /Vault login: /);
      assert.equal(vault.requests.length, 5);
    }
    vault.requests.length = 0;
    vault.failure = () => (vault.requests.length < 5 ? 500 : undefined);
    await credentialsOf(t, config).tls();
  });

  test('one that is due does while Vault is away, one that has expired does not', async (t) => {
    const vault = await startDouble(t);
    const { key, certificate } = createCertificate('short', { to: new Date(Date.now() + 4000) });
    await vault.put('certificates', { cert: certificate, key, ca: certificate });
    const config = vaultConfig(t, vault, 'https://127.0.0.1:9/');
    // Not so often that it always has the lock.
    const times = { ...QUICK, minIntervalMillis: 500 };
    const first = credentialsOf(t, config, times);
    await first.tls();
    vault.failure = () => 503;
    await until('renewal', () => loginsOf(vault) > 1);
    assert.equal((await first.tls()).cert, certificate);
    assert.equal(
      (await credentialsOf(t, config, times).tls()).cert,
      certificate,
      'a process that starts now',
    );
    const error = await until('its end', () => first.tls().then(() => undefined, String));
    assert.match(error, /Vault login: HTTP status 503/);
    vault.failure = () => undefined;
    await assert.rejects(first.tls(), /Vault's certificate expired at /);
  });

  test('a certificate and a key that do not belong together are refused', async (t) => {
    const vault = await startDouble(t);
    const [one, other] = [createCertificate('one'), createCertificate('other')];
    await vault.put('certificates', { cert: one.certificate, key: other.key, ca: '' });
    const config = vaultConfig(t, vault, 'https://127.0.0.1:9/');
    await assert.rejects(credentialsOf(t, config).tls(), /do not belong together/);
    await vault.put('certificates', { cert: one.certificate, key: 'no key' });
    await assert.rejects(credentialsOf(t, config).tls(), /Vault's key is no PEM/);
  });

  test('one process fetches, the others wait for it', async (t) => {
    const vault = await startDouble(t);
    const config = vaultConfig(t, vault, 'https://127.0.0.1:9/');
    const children = Array.from({ length: 3 }, () => startProcess(t, config));
    const [first, ...others] = await Promise.all(children.map((child) => once(child, 'message')));
    for (const each of others) assert.deepEqual(each, first);
    assert.equal(loginsOf(vault), 1);
  });

  test('the lock of a process that was killed is taken over', async (t) => {
    const vault = await startDouble(t);
    const config = vaultConfig(t, vault, 'https://127.0.0.1:9/');
    vault.failure = () => 'hang';
    const child = startProcess(t, config);
    await until('login', () => loginsOf(vault) === 1);
    vault.failure = () => undefined;
    const waiting = credentialsOf(t, config).tls();
    child.kill('SIGKILL');
    await waiting;
    assert.equal(loginsOf(vault), 2);
  });

  test('a process that takes too long is passed by', async (t) => {
    const vault = await startDouble(t);
    const config = vaultConfig(t, vault, 'https://127.0.0.1:9/');
    vault.failure = () => 'hang';
    const child = startProcess(t, config);
    await until('login', () => loginsOf(vault) === 1);
    vault.failure = () => undefined;
    await credentialsOf(t, config, { ...QUICK, maxLockWaitMillis: 200 }).tls();
    assert.equal(loginsOf(vault), 2);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  test('a cache that is not safe, or holds something else, is not believed', async (t) => {
    const vault = await startDouble(t);
    const config = vaultConfig(t, vault, 'https://127.0.0.1:9/');
    mkdirSync(dirname(config.cacheDirectory), { recursive: true });
    symlinkSync(writeProgram(t, {}), config.cacheDirectory);
    const unsafe = { ...config, cacheDirectory: join(config.cacheDirectory, 'file', 'x') };
    writeFileSync(join(config.cacheDirectory, 'file'), '');
    t.mock.method(console, 'error', () => undefined);
    await credentialsOf(t, unsafe).tls();
    await credentialsOf(t, unsafe).tls();
    assert.equal(loginsOf(vault), 2, 'nothing was kept');
  });

  test('a backend that is away is no reason to ask Vault again', async (t) => {
    const vault = await startDouble(t);
    const exporter = exporterOf(t, vaultConfig(t, vault, 'https://127.0.0.1:9/'));
    for (let i = 0; i < 3; i++) {
      const outcome = await exporter.export(BATCH, 5000);
      assert.ok(outcome.status === 'retry');
      assert.match(outcome.error.message, /ECONNREFUSED/);
    }
    assert.equal(loginsOf(vault), 1);
  });
});
