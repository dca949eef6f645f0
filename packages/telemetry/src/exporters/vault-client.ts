/**
 * Reads certificates from HashiCorp Vault: a login by AppRole, then one secret of a KV engine, version 2.
 *
 * On failure: an Error that says which of the two failed and why, in Vault's own words; it holds no secrets.
 */
import { readFile } from 'node:fs/promises';
import { exchangeWithRetries, type RetryPolicy } from './http-retries.ts';
import { isRecord, parseJson } from './json.ts';
import { reasonOf, shorten } from './outcomes.ts';
import type { VaultAuth } from './vault-config.ts';

/** PEM texts. */
export interface Certificates {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/** @throws Error where Vault cannot be reached, refuses, or has no certificate there. */
export async function readCertificates(auth: VaultAuth, retries: RetryPolicy): Promise<Certificates> {
  const credentials = JSON.stringify({ role_id: auth.roleId, secret_id: auth.secretId });
  const login = await request(auth, retries, 'login', 'auth/approle/login', { body: credentials });
  const token = textAt(login, 'auth', 'client_token');
  if (token === undefined) throw new Error('Vault login: the answer has no token');
  const path = `${pathOf(auth.mountPoint)}/data/${pathOf(auth.secretPath)}`;
  const secret = await request(auth, retries, 'secret', path, { token });
  const cert = textAt(secret, 'data', 'data', auth.certKey);
  const key = textAt(secret, 'data', 'data', auth.keyKey);
  const ca = textAt(secret, 'data', 'data', auth.caKey);
  if (cert === undefined || key === undefined) {
    const missing = [cert === undefined ? auth.certKey : [], key === undefined ? auth.keyKey : []].flat();
    throw new Error(`Vault secret ${path}: got no text at ${missing.join(' and ')}, expected PEM`);
  }
  return { cert, key, ...(ca !== undefined && { ca }) };
}

async function request(
  auth: VaultAuth,
  retries: RetryPolicy,
  what: string,
  path: string,
  { body, token }: { readonly body?: string; readonly token?: string },
): Promise<unknown> {
  const ca = auth.certificateFile === undefined ? undefined : await readFile(auth.certificateFile, 'utf8');
  const options = {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      // Vault's guard against forged requests; it refuses without where that is switched on.
      'x-vault-request': 'true',
      ...(body !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      }),
      ...(auth.namespace !== undefined && { 'x-vault-namespace': auth.namespace }),
      ...(token !== undefined && { 'x-vault-token': token }),
    },
    ...(ca !== undefined && { ca }),
  };
  const url = `${auth.endpoint}/v1/${path}`;
  const answer = await exchangeWithRetries(url, options, body ?? '', retries).catch((cause: unknown) => {
    throw new Error(`Vault ${what}: ${reasonOf(cause)}`, { cause });
  });
  const parsed = parsedOf(answer.body);
  if (answer.status !== 200) {
    throw new Error(`Vault ${what}: HTTP status ${answer.status}${errorsOf(parsed)}`);
  }
  return parsed;
}

function parsedOf(body: Uint8Array): unknown {
  try {
    return parseJson(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}

function errorsOf(answer: unknown): string {
  const errors = isRecord(answer) ? answer['errors'] : undefined;
  return Array.isArray(errors) && errors.length > 0 ? `: ${shorten(errors.join('; '))}` : '';
}

function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  let found = value;
  for (const name of path) found = isRecord(found) ? found[name] : undefined;
  return typeof found === 'string' && found !== '' ? found : undefined;
}

function pathOf(path: string): string {
  return path.split('/').filter(Boolean).map(encodeURIComponent).join('/');
}
