/**
 * Tokens of Microsoft Entra ID (or of any OpenID Connect authority) for the requests of an OTLP exporter.
 *
 * In: the resolved `auth` options. Out: an Authorization header. Invariant: a token is renewed before it expires, while
 * requests go on with the one that is there; a token that the backend refuses is replaced.
 * On failure: requests leave without a token, one line says so, and every request asks for one again.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ConfidentialClientApplication, Configuration } from '@azure/msal-node';
import { logError } from '../log.ts';
import { FileCredentials, type Credentials, type Refused, type TlsMaterial } from './credentials.ts';
import { withDeadline } from './deadline.ts';
import type { RetryPolicy } from './http-retries.ts';
import type { MsalAuth, MsalConfig, MsalCredential } from './msal-config.ts';
import { MsalNetwork } from './msal-network.ts';
import { reasonOf, shorten } from './outcomes.ts';
import { Renewable, type Lease } from './renewable.ts';

export type Msal = typeof import('@azure/msal-node');

/** As the exporter of Python's MSC has it. */
const TOKEN_RETRIES: RetryPolicy = { retries: 5, backoffMillis: 500, timeoutMillis: 10_000 };
/** How long a request waits for the first token before it leaves without. */
const MAX_WAIT_MILLIS = 5000;
/** Of a token's time, what is left when it is renewed; 5 minutes at most. */
const RENEWAL_SHARE = 0.2;
const MAX_RENEWAL_MILLIS = 5 * 60_000;

export class MsalCredentials implements Credentials {
  readonly #files: FileCredentials;
  readonly #token: Renewable<string>;
  /** Until the first failure; then requests no longer wait, until there was a token again. */
  #waits = true;

  /** @throws Error where MSAL does not take the options. */
  constructor(
    msal: Msal,
    { auth, exporter }: MsalConfig,
    retries: RetryPolicy = TOKEN_RETRIES,
    minIntervalMillis = 60_000,
  ) {
    this.#files = new FileCredentials(exporter);
    const network = new MsalNetwork(retries, async () =>
      auth.certificateFile === undefined ? undefined : await readFile(auth.certificateFile, 'utf8'),
    );
    const application = new msal.ConfidentialClientApplication(configurationOf(msal, auth, network));
    this.#token = new Renewable(
      () =>
        acquire(application, auth).catch((error: unknown) => {
          throw network.failure ?? error;
        }),
      { minIntervalMillis },
    );
  }

  tls(): Promise<TlsMaterial> {
    return this.#files.tls();
  }

  async headers(): Promise<Readonly<Record<string, string>>> {
    const token = this.#token.current();
    try {
      // A fetch goes on after its deadline, for the requests to come.
      const value = await withDeadline(this.#waits ? MAX_WAIT_MILLIS : 1, () => token);
      this.#waits = true;
      return { authorization: `Bearer ${value}` };
    } catch (error) {
      if (this.#waits) logError(`requests leave without a token: ${shorten(reasonOf(error))}`);
      this.#waits = false;
      return {};
    }
  }

  refused(what: Refused): void {
    if (what === 'request') this.#token.renew();
  }

  close(): void {
    this.#token.close();
  }
}

async function acquire(application: ConfidentialClientApplication, auth: MsalAuth): Promise<Lease<string>> {
  const result = await application.acquireTokenByClientCredential({
    scopes: [...auth.scopes],
    // The token that is in use is here; what MSAL has cached is that one.
    skipCache: true,
    ...(auth.azureRegion !== undefined && { azureRegion: auth.azureRegion }),
  });
  if (result === null || result.accessToken === '') throw new Error('the authority sent no token');
  const now = Date.now();
  const expiresAtMillis = result.expiresOn?.getTime() ?? now;
  const left = Math.min((expiresAtMillis - now) * RENEWAL_SHARE, MAX_RENEWAL_MILLIS);
  const renewAtMillis = result.refreshOn?.getTime() ?? expiresAtMillis - left;
  return { value: result.accessToken, expiresAtMillis, renewAtMillis };
}

function configurationOf(msal: Msal, auth: MsalAuth, networkClient: MsalNetwork): Configuration {
  const { authority, clientCapabilities, clientId, credential, isOidc, validatesAuthority } = auth;
  const isKnown = authority !== undefined && !validatesAuthority;
  return {
    auth: {
      clientId,
      ...clientCredentialOf(credential),
      ...(authority !== undefined && { authority }),
      ...(isKnown && { knownAuthorities: [new URL(authority).host] }),
      ...(clientCapabilities !== undefined && { clientCapabilities: [...clientCapabilities] }),
    },
    system: {
      networkClient,
      ...(isOidc && { protocolMode: msal.ProtocolMode.OIDC }),
    },
  };
}

function clientCredentialOf({ secret, assertion, certificate }: MsalCredential): object {
  if (secret !== undefined) return { clientSecret: secret };
  if (assertion !== undefined) return { clientAssertion: assertion };
  if (certificate === undefined) throw new Error('its credential was not resolved');
  const { privateKey: key, passphrase, thumbprint, publicCertificate } = certificate;
  const privateKey = createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
  return {
    clientCertificate: {
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      ...(publicCertificate === undefined
        ? { thumbprint }
        : {
            thumbprintSha256: new X509Certificate(publicCertificate).fingerprint256.replaceAll(':', ''),
            x5c: publicCertificate,
          }),
    },
  };
}
