/**
 * Options of the exporter `_otlp_msal`: `auth`, by the names of Python's MSAL, and `exporter`, those of `otlp`.
 *
 * Out: plain JSON with names of our own; which of them MSAL for Node.js calls how is known where it is loaded.
 * On failure: problems; secrets are not shown in them.
 */
import { isRecord } from './json.ts';
import { spellings, type OptionSource } from './option-source.ts';
import { isOtlpConfig, resolveOtlp, type OtlpConfig } from './otlp-config.ts';
import type { TelemetrySignal } from './resolve.ts';

export interface MsalConfig {
  readonly auth: MsalAuth;
  readonly exporter: OtlpConfig;
}

export interface MsalAuth {
  readonly scopes: readonly string[];
  readonly clientId: string;
  readonly credential: MsalCredential;
  /** Absent: that of MSAL, for all tenants. */
  readonly authority?: string;
  /** An authority of OpenID Connect rather than of Microsoft Entra ID. */
  readonly isOidc: boolean;
  /** Whether Microsoft is asked if it knows the authority, where MSAL does not. */
  readonly validatesAuthority: boolean;
  readonly clientCapabilities?: readonly string[];
  readonly azureRegion?: string;
  /** Authorities to trust for the token's connection instead of those of Node.js. */
  readonly certificateFile?: string;
}

export interface MsalCredential {
  readonly secret?: string;
  readonly assertion?: string;
  readonly certificate?: {
    readonly privateKey: string;
    /** SHA-1 in hexadecimal digits. */
    readonly thumbprint?: string | undefined;
    /** PEM. One of the two is there. */
    readonly publicCertificate?: string | undefined;
    readonly passphrase?: string | undefined;
  };
}

const CREDENTIAL =
  'a secret, {private_key, thumbprint, public_certificate?, passphrase?}, or {client_assertion}';
const KNOWN = [
  'scopes',
  'client_id',
  'client_credential',
  'authority',
  'oidc_authority',
  'instance_discovery',
  'validate_authority',
  'client_capabilities',
  'azure_region',
  'verify',
];

export function resolveMsal(source: OptionSource, signal: TelemetrySignal): MsalConfig {
  source.refuseOthers(['auth', 'exporter']);
  const auth = resolveAuth(source.section('auth'));
  return { auth, exporter: resolveOtlp(source.section('exporter'), signal) };
}

function resolveAuth(source: OptionSource): MsalAuth {
  source.refuseOthers(spellings(KNOWN), KNOWN);
  const scopes = textsOf(source, 'scopes');
  if (scopes === undefined)
    source.wrong('scopes', 'a list of scopes, such as ["https://example.com/.default"]');
  const authority = urlOf(source, 'authority');
  const oidcAuthority = urlOf(source, 'oidc_authority');
  if (authority !== undefined && oidcAuthority !== undefined) {
    source.wrong('oidc_authority', 'either authority or oidc_authority, not both');
  }
  const used = oidcAuthority ?? authority;
  const asks = [flagOf(source, 'instance_discovery'), flagOf(source, 'validate_authority')];
  const capabilities = source.named('client_capabilities') && textsOf(source, 'client_capabilities');
  const region = source.textOr('azure_region', '');
  const certificateFile = verifyOf(source);
  return {
    scopes: scopes ?? [],
    clientId: source.text('client_id', 'the id of the application'),
    credential: credentialOf(source),
    ...(used !== undefined && { authority: used }),
    isOidc: oidcAuthority !== undefined,
    validatesAuthority: oidcAuthority === undefined && !asks.includes(false),
    ...(capabilities !== undefined && { clientCapabilities: capabilities }),
    ...(region !== '' && { azureRegion: region }),
    ...(certificateFile !== undefined && { certificateFile }),
  };
}

function credentialOf(source: OptionSource): MsalCredential {
  const value = source.named('client_credential')?.value;
  if (typeof value === 'string' && value !== '') return { secret: value };
  if (isRecord(value)) {
    const {
      client_assertion: assertion,
      private_key: privateKey,
      thumbprint,
      public_certificate: publicCertificate,
      passphrase,
      ...others
    } = value;
    const isKnown = Object.keys(others).length === 0;
    if (isKnown && isText(assertion) && privateKey === undefined) return { assertion };
    const isCertificate = isKnown && isText(privateKey) && (isText(thumbprint) || isText(publicCertificate));
    if (
      isCertificate &&
      isOptionalText(thumbprint) &&
      isOptionalText(publicCertificate) &&
      isOptionalText(passphrase)
    ) {
      return { certificate: { privateKey, thumbprint, publicCertificate, passphrase } };
    }
  }
  source.wrong('client_credential', CREDENTIAL, { secret: true });
  return {};
}

/** A list of texts; its problem is undefined. */
function textsOf(source: OptionSource, name: string): readonly string[] | undefined {
  const value = source.named(name)?.value;
  if (Array.isArray(value) && value.length > 0 && value.every(isText)) return value;
  if (name !== 'scopes') source.wrong(name, 'a list of texts');
  return undefined;
}

function urlOf(source: OptionSource, name: string): string | undefined {
  const value = source.named(name)?.value;
  if (value === undefined) return undefined;
  // MSAL speaks to nothing else.
  if (typeof value === 'string' && value.startsWith('https://') && URL.canParse(value)) return value;
  source.wrong(name, 'an https:// URL');
  return undefined;
}

function flagOf(source: OptionSource, name: string): boolean | undefined {
  const value = source.named(name)?.value;
  if (value === undefined || typeof value === 'boolean') return value;
  source.wrong(name, 'true or false');
  return undefined;
}

/** Python's `verify`: a file of authorities, or true. */
function verifyOf(source: OptionSource): string | undefined {
  const found = source.named('verify');
  if (found === undefined || found.value === true) return undefined;
  if (typeof found.value === 'string') return source.file(found);
  source.problem(found, 'true, or the path of a file with authorities to trust');
  return undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || isText(value);
}

/** Options that {@link resolveMsal} made; they may have been stored by another version. */
export function isMsalConfig(
  options: Readonly<Record<string, unknown>>,
): options is typeof options & MsalConfig {
  const { auth, exporter } = options;
  return (
    isOtlpConfig(exporter) && isRecord(auth) && Array.isArray(auth['scopes']) && isRecord(auth['credential'])
  );
}
