/**
 * Client certificates from Vault for the connections of an OTLP exporter.
 *
 * In: the resolved options. Out: certificate, key and authority. Invariant: connections get a certificate that is valid; it
 * is fetched again after two thirds of its remaining time, at most 12 hours, and where the backend ends a handshake; what
 * another process has fetched since is used instead.
 * On failure: while the certificate is valid, it stays in use; without one there is no connection, and the error says why.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { canonicalJson } from '../config/canonical.ts';
import { CertificateCache, type CachedCertificates } from './certificate-cache.ts';
import { FileCredentials, type Credentials, type TlsMaterial } from './credentials.ts';
import type { RetryPolicy } from './http-retries.ts';
import { Renewable, type Lease } from './renewable.ts';
import { readCertificates } from './vault-client.ts';
import type { VaultConfig } from './vault-config.ts';

/** Five tries, with exponential back-off. */
const VAULT_RETRIES: RetryPolicy = { retries: 4, backoffMillis: 500, timeoutMillis: 10_000 };
const RENEWAL_SHARE = 2 / 3;
const MAX_RENEWAL_MILLIS = 12 * 3_600_000;

export interface VaultTimes {
  readonly retries?: RetryPolicy;
  readonly minIntervalMillis?: number;
  readonly maxLockWaitMillis?: number;
}

export class VaultCredentials implements Credentials {
  readonly #config: VaultConfig;
  readonly #files: FileCredentials;
  readonly #cache: CertificateCache;
  readonly #retries: RetryPolicy;
  readonly #certificates: Renewable<CachedCertificates>;

  constructor(config: VaultConfig, times: VaultTimes = {}) {
    const { retries = VAULT_RETRIES, minIntervalMillis = 60_000, maxLockWaitMillis } = times;
    this.#config = config;
    this.#files = new FileCredentials(config.exporter);
    const fingerprint = createHash('sha256').update(canonicalJson(config.auth)).digest('hex').slice(0, 32);
    this.#cache = new CertificateCache(join(config.cacheDirectory, fingerprint), maxLockWaitMillis);
    this.#retries = retries;
    this.#certificates = new Renewable((former) => this.#renew(former), { minIntervalMillis });
  }

  async tls(): Promise<TlsMaterial> {
    const [files, { cert, key, ca }] = await Promise.all([this.#files.tls(), this.#certificates.current()]);
    return { ...files, cert, key, ...(ca !== undefined && { ca }) };
  }

  headers(): Promise<Readonly<Record<string, string>>> {
    return this.#files.headers();
  }

  refused(): void {
    this.#certificates.renew();
  }

  close(): void {
    this.#certificates.close();
  }

  async #renew(former: CachedCertificates | undefined): Promise<Lease<CachedCertificates>> {
    const find = async (): Promise<Lease<CachedCertificates> | undefined> => {
      const lease = await this.#cached();
      const isNew = lease?.value.fetchedAtMillis !== former?.fetchedAtMillis;
      return lease !== undefined && isNew && Date.now() < lease.renewAtMillis ? lease : undefined;
    };
    try {
      return (await find()) ?? (await this.#cache.fetchAlone(find, () => this.#fetch()));
    } catch (error) {
      // One that is due does as long as there is none better.
      const lease = await this.#cached();
      if (former !== undefined || lease === undefined || Date.now() >= lease.expiresAtMillis) throw error;
      return lease;
    }
  }

  async #cached(): Promise<Lease<CachedCertificates> | undefined> {
    const cached = await this.#cache.read();
    try {
      return cached && leaseOf(cached);
    } catch {
      return undefined;
    }
  }

  async #fetch(): Promise<Lease<CachedCertificates>> {
    const certificates = await readCertificates(this.#config.auth, this.#retries);
    const lease = leaseOf({ ...certificates, fetchedAtMillis: Date.now() });
    await this.#cache.write(lease.value);
    return lease;
  }
}

/** @throws Error where the texts are no certificate and its key, or it has expired. */
function leaseOf(value: CachedCertificates): Lease<CachedCertificates> {
  const { fetchedAtMillis } = value;
  const certificate = parsed('certificate', () => new X509Certificate(value.cert));
  const key = parsed('key', () => createPrivateKey(value.key));
  if (!certificate.checkPrivateKey(key))
    throw new Error("Vault's certificate and key do not belong together");
  const expiresAtMillis = Date.parse(certificate.validTo);
  if (Date.now() >= expiresAtMillis) throw new Error(`Vault's certificate expired at ${certificate.validTo}`);
  const left = (expiresAtMillis - fetchedAtMillis) * RENEWAL_SHARE;
  return { value, expiresAtMillis, renewAtMillis: fetchedAtMillis + Math.min(left, MAX_RENEWAL_MILLIS) };
}

function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new Error(`Vault's ${what} is no PEM`, { cause });
  }
}
