/**
 * What makes a backend trust a request: certificates of its connection, headers of its own. Asked for before each
 * request, so that what is renewed is used without a restart.
 */
import { readFile } from 'node:fs/promises';
import type { OtlpConfig } from './otlp-config.ts';

/** PEM texts. Without `ca`, the authorities that Node.js trusts. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** What ended: the connection in its handshake, or a request with 401, 403 or their like. */
export type Refused = 'connection' | 'request';

export interface Credentials {
  /** @throws Error where there can be no connection without them. */
  tls(): Promise<TlsMaterial>;
  /** Never throws: a request without is still worth sending. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** Tells that a backend may not have taken them; where they can be renewed, they are. */
  refused(what: Refused): void;
  close(): void;
}

/** Certificates in files, as configured. */
export class FileCredentials implements Credentials {
  readonly #config: OtlpConfig;

  constructor(config: OtlpConfig) {
    this.#config = config;
  }

  async tls(): Promise<TlsMaterial> {
    const { url, certificateFile, clientCertificateFile, clientKeyFile } = this.#config;
    if (!url.startsWith('https:')) return {};
    const files = { ca: certificateFile, cert: clientCertificateFile, key: clientKeyFile };
    const pairs = Object.entries(files).map(async ([name, file]) =>
      file === undefined ? [] : [[name, await readFile(file, 'utf8')] as const],
    );
    return Object.fromEntries((await Promise.all(pairs)).flat());
  }

  async headers(): Promise<Readonly<Record<string, string>>> {
    return {};
  }

  refused(): void {}

  close(): void {}
}
