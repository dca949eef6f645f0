/** What has to hold with a double of Vault and with a real one. */
import assert from 'node:assert/strict';
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import type { BatchExporter, PointBatch } from '../../src/exporters/exporter.ts';
import { HttpTransport } from '../../src/exporters/otlp-http.ts';
import { OtlpMetricsExporter } from '../../src/exporters/otlp-metrics.ts';
import type { VaultAuth, VaultConfig } from '../../src/exporters/vault-config.ts';
import { VaultCredentials } from '../../src/exporters/vault-credentials.ts';
import { until } from '../support/until.ts';
import type { VaultServer } from './vault-double.ts';
import { otlpConfig } from './backend.ts';
import { batchOf, gauge } from './batches.ts';
import { createCertificate, type Certificate } from './certificates.ts';
import { startTlsBackend, type TlsBackend } from './mutual-tls.ts';
import { writeProgram } from './programs.ts';

export const BATCH: PointBatch = batchOf(gauge([1]));
export const QUICK = {
  retries: { retries: 4, backoffMillis: 1, timeoutMillis: 5000 },
  minIntervalMillis: 10,
};

export function vaultConfig(
  t: TestContext,
  vault: VaultServer,
  url: string,
  over: Partial<VaultAuth> = {},
): VaultConfig {
  const auth: VaultAuth = {
    endpoint: vault.endpoint,
    roleId: vault.roleId,
    secretId: vault.secretId,
    mountPoint: 'secret',
    secretPath: 'certificates',
    certKey: 'cert',
    keyKey: 'key',
    caKey: 'ca',
    ...over,
  };
  return { auth, exporter: otlpConfig(url), cacheDirectory: join(writeProgram(t, {}), 'cache') };
}

export function exporterOf(t: TestContext, config: VaultConfig): BatchExporter<PointBatch> {
  const transport = new HttpTransport(config.exporter, new VaultCredentials(config, QUICK));
  const exporter = new OtlpMetricsExporter(config.exporter, transport);
  t.after(() => exporter.shutdown());
  return exporter;
}

export function secretOf(client: Certificate, backend: TlsBackend): Readonly<Record<string, string>> {
  return { cert: client.certificate, key: client.key, ca: backend.authority.certificate };
}

export function vaultSuite(name: string, start: (t: TestContext) => Promise<VaultServer | undefined>): void {
  suite(`certificates of ${name}`, () => {
    test('make the connection, and are kept on disk for the next process', async (t) => {
      const vault = await start(t);
      if (vault === undefined) return;
      const authority = createCertificate('authority', { isAuthority: true });
      const backend = await startTlsBackend(t, authority);
      await vault.put('certificates', secretOf(createCertificate('first', { issuer: authority }), backend));
      const config = vaultConfig(t, vault, backend.url);
      assert.equal((await exporterOf(t, config).export(BATCH, 5000)).status, 'accepted');

      await vault.put('certificates', secretOf(createCertificate('second', { issuer: authority }), backend));
      assert.equal((await exporterOf(t, config).export(BATCH, 5000)).status, 'accepted');
      const other = {
        ...config,
        auth: { ...config.auth, caKey: 'ca', certKey: 'cert', mountPoint: '/secret/' },
      };
      assert.equal((await exporterOf(t, other).export(BATCH, 5000)).status, 'accepted');
      assert.deepEqual(backend.clients, ['first', 'first', 'second'], 'another configuration has its own');

      const [fingerprint] = readdirSync(config.cacheDirectory);
      const directory = join(config.cacheDirectory, fingerprint);
      if (process.platform !== 'win32') {
        assert.equal(lstatSync(directory).mode & 0o777, 0o700);
        assert.equal(lstatSync(join(directory, 'certificates.json')).mode & 0o777, 0o600);
      }
    });

    test('are fetched again before they expire, and no request notices', async (t) => {
      const vault = await start(t);
      if (vault === undefined) return;
      const authority = createCertificate('authority', { isAuthority: true });
      const backend = await startTlsBackend(t, authority);
      const to = new Date(Date.now() + 4000);
      await vault.put(
        'certificates',
        secretOf(createCertificate('short', { issuer: authority, to }), backend),
      );
      const exporter = exporterOf(t, vaultConfig(t, vault, backend.url));
      assert.equal((await exporter.export(BATCH, 5000)).status, 'accepted');
      await vault.put('certificates', secretOf(createCertificate('long', { issuer: authority }), backend));
      await until('use of the next certificate', async () => {
        assert.equal((await exporter.export(BATCH, 5000)).status, 'accepted');
        return backend.clients.at(-1) === 'long';
      });
      assert.ok(Date.now() < to.getTime());
    });

    test('are fetched again when the backend ends the handshake', async (t) => {
      const vault = await start(t);
      if (vault === undefined) return;
      const authority = createCertificate('authority', { isAuthority: true });
      const backend = await startTlsBackend(t, authority);
      await vault.put('certificates', secretOf(createCertificate('first', { issuer: authority }), backend));
      const exporter = exporterOf(t, vaultConfig(t, vault, backend.url));
      assert.equal((await exporter.export(BATCH, 5000)).status, 'accepted');

      const next = createCertificate('next-authority', { isAuthority: true });
      backend.trust(next);
      await vault.put('certificates', secretOf(createCertificate('second', { issuer: next }), backend));
      assert.equal((await exporter.export(BATCH, 5000)).status, 'retry');
      await until('acceptance', async () => (await exporter.export(BATCH, 5000)).status === 'accepted');
      assert.equal(backend.clients.at(-1), 'second');
    });

    test('that cannot be had leave the request to be tried again, and the reason says no secret', async (t) => {
      const vault = await start(t);
      if (vault === undefined) return;
      const cases: [Partial<VaultAuth>, RegExp][] = [
        [{ secretId: 'wrong-secret' }, /Vault login: HTTP status 400: invalid role or secret ID/],
        [{ roleId: 'wrong-role' }, /Vault login: HTTP status 400/],
        [{ secretPath: 'nowhere' }, /Vault secret: HTTP status 404/],
        [{ secretPath: 'incomplete' }, /secret\/data\/incomplete: got no text at key, expected PEM/],
        [{ secretPath: 'broken' }, /Vault's certificate is no PEM/],
      ];
      await vault.put('incomplete', { cert: 'x' });
      await vault.put('broken', { cert: 'x', key: 'y', ca: 'z' });
      for (const [over, message] of cases) {
        const config = vaultConfig(t, vault, 'https://127.0.0.1:9/', over);
        const outcome = await exporterOf(t, config).export(BATCH, 5000);
        assert.ok(outcome.status === 'retry');
        assert.match(outcome.error.message, message);
        assert.ok(!outcome.unanswered);
        assert.ok(!outcome.error.message.includes(config.auth.secretId));
      }
    });
  });
}
