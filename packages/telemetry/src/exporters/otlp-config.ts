/**
 * Options of the exporter `otlp`, completed from the environment: those of the signal first, then the general ones, then
 * the defaults of the specification.
 *
 * In: options by the names of the Python or the JavaScript exporter. Out: everything that sending takes, absolute.
 * On failure: problems; a secret is never shown in them.
 */
import { isRecord } from './json.ts';
import type { Found, OptionSource } from './option-source.ts';
import { isMetadata, parseHeaders } from './otlp-headers.ts';
import { grpcUrl, httpUrl } from './otlp-url.ts';
import type { TelemetrySignal } from './resolve.ts';

/** Resolved options of the exporter `otlp`: everything is there, files are absolute. */
export interface OtlpConfig {
  /** Absent in journals of version 0.1.0: `http/protobuf`. */
  readonly protocol?: 'http/protobuf' | 'http/json' | 'grpc';
  /** For gRPC, without a path; `http:` is a connection in plain text. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of one request, until the end of its answer. */
  readonly timeoutMillis: number;
  /** `zstd` is for HTTP only. */
  readonly compression: 'none' | 'gzip' | 'deflate' | 'zstd';
  /** For metrics. */
  readonly temporality?: 'cumulative' | 'delta' | 'lowmemory';
  /** Authorities to trust instead of those of Node.js. */
  readonly certificateFile?: string;
  readonly clientCertificateFile?: string;
  readonly clientKeyFile?: string;
}

const DEFAULT_TIMEOUT_MILLIS = 10_000;
const MAX_TIMEOUT_MILLIS = 2 ** 31 - 1;
const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;
const COMPRESSIONS = ['none', 'gzip', 'deflate', 'zstd'] as const;
const GRPC_COMPRESSIONS = ['none', 'gzip', 'deflate'] as const;
const TEMPORALITIES = ['cumulative', 'delta', 'lowmemory'] as const;

/** The names of each option: that of the Python exporter, and that of the JavaScript one. */
const NAMES = {
  protocol: ['protocol'],
  url: ['endpoint', 'url'],
  insecure: ['insecure'],
  headers: ['headers'],
  timeout: ['timeout', 'timeoutMillis'],
  compression: ['compression'],
  certificateFile: ['certificate_file', 'certificateFile'],
  clientCertificateFile: ['client_certificate_file', 'clientCertificateFile'],
  clientKeyFile: ['client_key_file', 'clientKeyFile'],
} as const;
const TEMPORALITY_NAMES = ['preferred_temporality', 'temporalityPreference'] as const;

/** Finds an option, else its variables. */
export type Find = (option: keyof typeof NAMES, suffix: string) => Found | undefined;

/** Resolves the options of the exporter `otlp` for a signal. Whatever is wrong is added to the source's problems. */
export function resolveOtlp(source: OptionSource, signal: TelemetrySignal): OtlpConfig {
  const ofSignal = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_`;
  const isMetrics = signal === 'metrics';
  source.refuseOthers([...Object.values(NAMES).flat(), ...(isMetrics ? TEMPORALITY_NAMES : [])]);
  const find: Find = (option, suffix) =>
    source.option(NAMES[option]) ??
    source.variable(ofSignal + suffix) ??
    source.variable(`OTEL_EXPORTER_OTLP_${suffix}`);
  const protocol = source.choice(find('protocol', 'PROTOCOL'), PROTOCOLS, 'http/protobuf');
  const isGrpc = protocol === 'grpc';
  const compressions = isGrpc ? GRPC_COMPRESSIONS : COMPRESSIONS;
  return {
    protocol,
    url: isGrpc ? grpcUrl(source, find) : httpUrl(source, find, `/v1/${signal}`),
    headers: headers(source, ofSignal, isGrpc),
    timeoutMillis: timeoutMillis(source, find('timeout', 'TIMEOUT')),
    compression: source.choice(find('compression', 'COMPRESSION'), compressions, 'none'),
    ...(isMetrics && { temporality: temporality(source, ofSignal) }),
    ...files(source, find),
  };
}

function temporality(source: OptionSource, prefix: string): 'cumulative' | 'delta' | 'lowmemory' {
  const found = source.option(TEMPORALITY_NAMES) ?? source.variable(`${prefix}TEMPORALITY_PREFERENCE`);
  return source.choice(found, TEMPORALITIES, 'cumulative');
}

function headers(source: OptionSource, prefix: string, isGrpc: boolean): Record<string, string> {
  const all = [
    source.variable('OTEL_EXPORTER_OTLP_HEADERS'),
    source.variable(`${prefix}HEADERS`),
    source.option(NAMES.headers),
  ];
  const entries = all.flatMap((found) => {
    if (found === undefined) return [];
    const parsed = parseHeaders(found.value, found.path, source.problems);
    return isGrpc
      ? parsed.filter(([name, text]) => isMetadata(name, text, found.path, source.problems))
      : parsed;
  });
  return Object.fromEntries(entries);
}

function timeoutMillis(source: OptionSource, found: Found | undefined): number {
  if (found === undefined) return DEFAULT_TIMEOUT_MILLIS;
  const { name, path, value } = found;
  const number = path === name ? Number(value) : value;
  const perUnit = name === 'timeout' ? 1000 : 1;
  const millis = typeof number === 'number' ? number * perUnit : NaN;
  if (millis > 0 && millis <= MAX_TIMEOUT_MILLIS) return millis;
  const unit = perUnit === 1 ? 'milliseconds' : 'seconds';
  source.problem(found, `${unit} in (0, ${Math.floor(MAX_TIMEOUT_MILLIS / perUnit)}]`);
  return DEFAULT_TIMEOUT_MILLIS;
}

function files(
  source: OptionSource,
  find: Find,
): Pick<OtlpConfig, 'certificateFile' | 'clientCertificateFile' | 'clientKeyFile'> {
  const certificateFile = source.file(find('certificateFile', 'CERTIFICATE'));
  const certificate = find('clientCertificateFile', 'CLIENT_CERTIFICATE');
  const key = find('clientKeyFile', 'CLIENT_KEY');
  const lonely = certificate === undefined ? key : key === undefined ? certificate : undefined;
  if (lonely !== undefined) source.problem(lonely, 'a client certificate and its key together');
  const clientCertificateFile = source.file(certificate);
  const clientKeyFile = source.file(key);
  return {
    ...(certificateFile === undefined ? {} : { certificateFile }),
    ...(clientCertificateFile === undefined ? {} : { clientCertificateFile }),
    ...(clientKeyFile === undefined ? {} : { clientKeyFile }),
  };
}

/** Options that {@link resolveOtlp} made; they may have been stored by another version. */
export function isOtlpConfig(options: unknown): options is OtlpConfig {
  return (
    isRecord(options) &&
    isOneOf(PROTOCOLS, options['protocol'] ?? 'http/protobuf') &&
    typeof options['url'] === 'string' &&
    URL.canParse(options['url']) &&
    isRecord(options['headers']) &&
    typeof options['timeoutMillis'] === 'number' &&
    isOneOf(COMPRESSIONS, options['compression']) &&
    isOneOf(TEMPORALITIES, options['temporality'] ?? 'cumulative')
  );
}

function isOneOf(names: readonly string[], value: unknown): boolean {
  return names.some((name) => name === value);
}
