import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';

/** What a test needs of a Vault; a real one has the same. */
export interface VaultServer {
  readonly endpoint: string;
  readonly roleId: string;
  readonly secretId: string;
  /** Writes a secret of the KV engine at `secret`. */
  put(path: string, data: Readonly<Record<string, string>>): Promise<void>;
}

export interface VaultDouble extends VaultServer {
  /** Method and path of every request. */
  readonly requests: string[];
  /** Demanded of every request. */
  namespace: string | undefined;
  /** What happens to a request instead of its answer: a status, a reset, or nothing for ever. */
  failure: (request: string) => number | 'reset' | 'hang' | undefined;
}

const TOKEN = 'hvs.token';

/** Vault's AppRole login and KV engine, version 2, over HTTP, with Vault's own error messages; it ends with the test. */
export async function startVaultDouble(t: TestContext): Promise<VaultDouble> {
  const secrets = new Map<string, Readonly<Record<string, string>>>();
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const double: VaultDouble = {
    endpoint: `http://127.0.0.1:${address.port}`,
    roleId: 'role-id',
    secretId: 'approle-secret-value',
    put: async (path, data) => void secrets.set(`/v1/secret/data/${path}`, data),
    requests: [],
    namespace: undefined,
    failure: () => undefined,
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '', headers } = request;
    const chunks = (await request.toArray()) as Buffer[];
    const name = `${method} ${url}`;
    double.requests.push(name);
    const failure = double.failure(name);
    if (failure === 'hang') return;
    if (failure === 'reset') request.socket.resetAndDestroy();
    else if (failure !== undefined) answer(response, failure, { errors: ['scripted'] });
    else if (headers['x-vault-namespace'] !== double.namespace) {
      answer(response, 404, { errors: ['no handler for route'] });
    } else if (name === 'POST /v1/auth/approle/login') {
      const { role_id: roleId, secret_id: secretId } = JSON.parse(Buffer.concat(chunks).toString()) as Record<
        string,
        unknown
      >;
      const isKnown = roleId === double.roleId && secretId === double.secretId;
      if (!isKnown) answer(response, 400, { errors: ['invalid role or secret ID'] });
      else answer(response, 200, { auth: { client_token: TOKEN, lease_duration: 60, renewable: true } });
    } else if (headers['x-vault-token'] !== TOKEN || method !== 'GET') {
      answer(response, 403, { errors: ['permission denied'] });
    } else {
      const data = secrets.get(url);
      if (data === undefined) answer(response, 404, { errors: [] });
      else answer(response, 200, { data: { data, metadata: { version: 1, destroyed: false } } });
    }
  }
  return double;
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
