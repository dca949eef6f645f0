import { once } from 'node:events';
import { createServer } from 'node:https';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { createCertificate, type Certificate } from './certificates.ts';

export interface TlsBackend {
  readonly url: string;
  /** Names of the clients whose requests arrived. */
  readonly clients: string[];
  /** Authority of the server's own certificate. */
  readonly authority: Certificate;
  /** From now on, clients of this authority only. */
  trust(authority: Certificate): void;
}

/** A backend that demands a client certificate and accepts every request; it ends with the test. */
export async function startTlsBackend(t: TestContext, trusted: Certificate): Promise<TlsBackend> {
  const authority = createCertificate('backend-authority', { isAuthority: true });
  const own = createCertificate('backend', { issuer: authority });
  const demands = { key: own.key, cert: own.certificate, requestCert: true, rejectUnauthorized: true };
  const clients: string[] = [];
  const server = createServer({ ...demands, ca: trusted.certificate }, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    clients.push(String(subject.CN));
    request.resume().once('end', () => response.setHeader('connection', 'close').end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `https://127.0.0.1:${address.port}/v1/metrics`,
    clients,
    authority,
    trust: ({ certificate }) => server.setSecureContext({ ...demands, ca: certificate }),
  };
}
