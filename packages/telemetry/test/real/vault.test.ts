import assert from 'node:assert/strict';
import { test } from 'node:test';
import { vaultSuite } from '../exporters/vault-suite.ts';
import { startVault } from '../support/vault.ts';

test('a role of a real Vault reads the secrets that were put there, and writes none', async (t) => {
  const vault = await startVault(t);
  if (vault === undefined) return;
  await vault.put('certificates', { cert: 'a certificate' });
  const login = await fetch(`${vault.endpoint}/v1/auth/approle/login`, {
    method: 'POST',
    body: JSON.stringify({ role_id: vault.roleId, secret_id: vault.secretId }),
  });
  const { auth } = (await login.json()) as Record<string, any>;
  const secret = `${vault.endpoint}/v1/secret/data/certificates`;
  const headers = { 'x-vault-token': auth['client_token'] };
  const read = await fetch(secret, { headers });
  const { data } = (await read.json()) as Record<string, any>;
  assert.deepEqual(data['data'], { cert: 'a certificate' });
  const written = await fetch(secret, { method: 'POST', headers, body: JSON.stringify({ data: {} }) });
  assert.equal(written.status, 403);
});

vaultSuite('a real Vault', startVault);
