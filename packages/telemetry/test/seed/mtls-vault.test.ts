import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCertificate } from '../exporters/certificates.ts';
import { startTlsBackend } from '../exporters/mutual-tls.ts';
import { startVaultDouble } from '../exporters/vault-double.ts';
import type { InstrumentsJob } from '../support/programs/seed/instruments.ts';
import { run } from './stage.ts';

test('_otlp_mtls_vault: a client certificate from Vault, fetched with an AppRole, makes the connection', async (t) => {
  const vault = await startVaultDouble(t);
  const authority = createCertificate('authority', { isAuthority: true });
  const backend = await startTlsBackend(t, authority);
  const client = createCertificate('seed-client', { issuer: authority });
  const ca = backend.authority.certificate;
  await vault.put('certificates', { cert: client.certificate, key: client.key, ca });
  const auth = { vault_endpoint: vault.endpoint, approle_id: vault.roleId, approle_secret: vault.secretId };
  const { stderr } = await run(
    t,
    'seed/instruments',
    (_sink, { directory }): InstrumentsJob => {
      const options = { auth, exporter: { endpoint: backend.url } };
      const reader = { options: { export_interval_millis: 200 } };
      return {
        directory,
        configs: [{ exporter: { type: '_otlp_mtls_vault', options }, reader }],
        values: [1],
      };
    },
    // Where certificates are kept.
    ({ root }) => ({ XDG_CACHE_HOME: root }),
  );
  assert.equal(stderr, '');
  assert.deepEqual(new Set(backend.clients), new Set(['seed-client']));
  assert.deepEqual(vault.requests, ['POST /v1/auth/approle/login', 'GET /v1/secret/data/certificates']);
});
