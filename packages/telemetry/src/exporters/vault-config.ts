/**
 * Options of the exporter `_otlp_mtls_vault`: `auth`, where the certificates are, and `exporter`, those of `otlp`.
 *
 * On failure: problems; secrets are not shown in them.
 */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isRecord } from './json.ts';
import { spellings, type OptionSource } from './option-source.ts';
import { isOtlpConfig, resolveOtlp, type OtlpConfig } from './otlp-config.ts';
import type { TelemetrySignal } from './resolve.ts';

export interface VaultConfig {
  readonly auth: VaultAuth;
  readonly exporter: OtlpConfig;
  /** Absolute. Certificates are kept below it. */
  readonly cacheDirectory: string;
}

export interface VaultAuth {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly namespace?: string;
  readonly roleId: string;
  readonly secretId: string;
  /** Of the KV engine, version 2. */
  readonly mountPoint: string;
  readonly secretPath: string;
  /** What the secret calls the client's certificate, its key and the authority, all PEM. */
  readonly certKey: string;
  readonly keyKey: string;
  readonly caKey: string;
  /** Authorities to trust for Vault itself instead of those of Node.js. */
  readonly certificateFile?: string;
}

const NAMES = [
  'vault_endpoint',
  'vault_namespace',
  'approle_id',
  'approle_secret',
  'mount_point',
  'secret_path',
  'cert_key',
  'key_key',
  'ca_key',
];

export function resolveVault(source: OptionSource, signal: TelemetrySignal): VaultConfig {
  source.refuseOthers(['auth', 'exporter']);
  const auth = resolveAuth(source.section('auth'));
  const section = source.section('exporter');
  const exporter = resolveOtlp(section, signal);
  if (!exporter.url.startsWith('https:')) {
    const found = section.option(['endpoint', 'url']) ?? {
      path: section.pathOf('endpoint'),
      value: exporter.url,
    };
    source.problems.push({
      path: found.path,
      value: found.value,
      expected: 'an https:// URL, for mutual TLS',
    });
  }
  return { auth, exporter, cacheDirectory: cacheDirectoryOf(source) };
}

function resolveAuth(source: OptionSource): VaultAuth {
  source.refuseOthers(spellings(NAMES), NAMES);
  const namespace = source.textOr('vault_namespace', '');
  // As HashiCorp's own clients have it.
  const certificateFile = source.file(source.variable('VAULT_CACERT'));
  return {
    endpoint: endpointOf(source),
    ...(namespace !== '' && { namespace }),
    roleId: source.text('approle_id', 'the role id of an AppRole'),
    secretId: source.text('approle_secret', 'the secret id of an AppRole', { secret: true }),
    mountPoint: source.textOr('mount_point', 'secret'),
    secretPath: source.textOr('secret_path', 'certificates'),
    certKey: source.textOr('cert_key', 'cert'),
    keyKey: source.textOr('key_key', 'key'),
    caKey: source.textOr('ca_key', 'ca'),
    ...(certificateFile !== undefined && { certificateFile }),
  };
}

function endpointOf(source: OptionSource): string {
  const value = source.named('vault_endpoint')?.value;
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.href === url.origin + url.pathname) {
    return url.href.replace(/\/+$/, '');
  }
  const expected = 'the http:// or https:// URL of Vault, without user, password and query';
  source.wrong('vault_endpoint', expected, { secret: true });
  return '';
}

function cacheDirectoryOf(source: OptionSource): string {
  const configured = source.variable('XDG_CACHE_HOME')?.value;
  const isUsable = typeof configured === 'string' && isAbsolute(configured);
  return join(isUsable ? configured : join(homedir(), '.cache'), 'multistorageclient', 'certificates');
}

/** Options that {@link resolveVault} made; they may have been stored by another version. */
export function isVaultConfig(
  options: Readonly<Record<string, unknown>>,
): options is typeof options & VaultConfig {
  const { auth, exporter, cacheDirectory } = options;
  return (
    isOtlpConfig(exporter) &&
    typeof cacheDirectory === 'string' &&
    isRecord(auth) &&
    ['endpoint', 'roleId', 'secretId', 'mountPoint', 'secretPath'].every(
      (name) => typeof auth[name] === 'string',
    )
  );
}
