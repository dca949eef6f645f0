import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createCertificate } from './certificates.ts';
import { writeProgram } from './programs.ts';

/** What becomes of a request for a token: seconds of its life, a status instead, a reset, or no answer. */
export type TokenAnswer =
  | { readonly expiresIn: number; readonly refreshIn?: number }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | 'reset'
  | 'hang';

export interface EntraDouble {
  /** https://…/tenant; all but its own certificate is as at login.microsoftonline.com. */
  readonly authority: string;
  /** The authority's certificate, as a file. */
  readonly certificateFile: string;
  /** The form of every request for a token. */
  readonly requests: URLSearchParams[];
  /** Tokens are `token-1`, `token-2`, … */
  issued: number;
  /** Decides about each request for a token. */
  answer: (form: URLSearchParams) => TokenAnswer;
}

/** Microsoft Entra ID's endpoints for one tenant and client credentials, over HTTPS; it ends with the test. */
export async function startEntraDouble(t: TestContext): Promise<EntraDouble> {
  const { key, certificate } = createCertificate('entra');
  const certificateFile = join(writeProgram(t, {}), 'entra.pem');
  writeFileSync(certificateFile, certificate);
  const server = createServer(
    { key, cert: certificate },
    (request, response) => void serve(request, response),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const authority = `https://127.0.0.1:${address.port}/tenant`;
  const double: EntraDouble = {
    authority,
    certificateFile,
    requests: [],
    issued: 0,
    answer: () => ({ expiresIn: 3600 }),
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '', authority);
    if (/^\/tenant(\/v2\.0)?\/\.well-known\/openid-configuration$/.test(pathname)) {
      const paths = {
        authorize: 'authorization_endpoint',
        token: 'token_endpoint',
        logout: 'end_session_endpoint',
      };
      const endpoints = Object.entries(paths).map(([path, name]) => [
        name,
        `${authority}/oauth2/v2.0/${path}`,
      ]);
      json(response, 200, {
        ...Object.fromEntries(endpoints),
        issuer: `${authority}/v2.0`,
        jwks_uri: `${authority}/discovery/v2.0/keys`,
      });
    } else if (request.method === 'POST' && pathname === '/tenant/oauth2/v2.0/token') {
      const chunks = (await request.toArray()) as Buffer[];
      issueToken(request, response, new URLSearchParams(Buffer.concat(chunks).toString()));
    } else {
      json(response, 404, { error: 'not_found', error_description: pathname });
    }
  }

  function issueToken(request: IncomingMessage, response: ServerResponse, form: URLSearchParams): void {
    double.requests.push(form);
    const answer = double.answer(form);
    if (answer === 'hang') return;
    if (answer === 'reset') {
      request.socket.destroy();
    } else if ('status' in answer) {
      const failure = { error: answer.status === 401 ? 'invalid_client' : 'temporarily_unavailable' };
      const text = `AADSTS0: trace ${double.requests.length}`;
      json(
        response,
        answer.status,
        { ...failure, error_description: text, error_codes: [0] },
        answer.headers,
      );
    } else {
      const { expiresIn, refreshIn } = answer;
      json(response, 200, {
        token_type: 'Bearer',
        expires_in: expiresIn,
        ext_expires_in: expiresIn,
        ...(refreshIn !== undefined && { refresh_in: refreshIn }),
        access_token: `token-${++double.issued}`,
      });
    }
  }
  return double;
}

function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(JSON.stringify(body));
}
