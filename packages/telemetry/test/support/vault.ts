/**
 * A real Vault, in memory: an AppRole that may read what lies under `secret` (KV version 2), and nothing else.
 *
 * In: a test. Out: what a client of it is configured with, and a way to put secrets there.
 * Its role does everything that it does in production; only TLS in front of it is left out.
 */
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { VaultServer } from '../exporters/vault-double.ts';
import { findRealServer, RunningServer } from './real-servers.ts';

const ROLE = 'auth/approle/role/reader';
const READY = /^\{"endpoint":"(.+)","rootToken":"(.+)"\}$/m;

/** `undefined` where no Vault can be had: the test is then skipped. */
export async function startVault(t: TestContext): Promise<VaultServer | undefined> {
  const binary = findRealServer(t, 'vault');
  if (binary === undefined) return undefined;
  const server = new RunningServer(t, binary, []);
  const ready = await server.says(READY);
  if (ready === undefined) throw new Error(server.output);
  const [, endpoint, rootToken] = ready;
  const write = async (path: string, body: object): Promise<any> => call(endpoint, rootToken, path, body);

  await write('sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await write('sys/auth/approle', { type: 'approle' });
  await write('sys/policies/acl/reader', { policy: 'path "secret/data/*" { capabilities = ["read"] }' });
  await write(ROLE, { token_policies: ['reader'] });
  const { data: role } = await call(endpoint, rootToken, `${ROLE}/role-id`);
  const { data: secret } = await write(`${ROLE}/secret-id`, {});
  return {
    endpoint,
    roleId: role['role_id'],
    secretId: secret['secret_id'],
    put: async (path, data) => void (await write(`secret/data/${path}`, { data })),
  };
}

async function call(endpoint: string, token: string, path: string, body?: object): Promise<any> {
  for (;;) {
    const answer = await fetch(`${endpoint}/v1/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'x-vault-token': token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.ok) return text === '' ? undefined : JSON.parse(text);
    // A new KV engine answers so for a moment.
    if (!text.includes('Upgrading from non-versioned to versioned')) throw new Error(`${path}: ${text}`);
    await setTimeout(50);
  }
}
