import { accessSync, constants, statSync } from 'node:fs';
import { resolve as absolutePath } from 'node:path';
import type { Problem } from '../errors.ts';
import { isRecord } from './json.ts';
import { parseHeaders } from './otlp-headers.ts';
import type { Environment } from './resolve.ts';

/** Resolved options of the exporter `otlp`: everything is there, files are absolute. */
export interface OtlpConfig {
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of one request, until the end of its answer. */
  readonly timeoutMillis: number;
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly temporality: 'cumulative' | 'delta' | 'lowmemory';
  /** Authorities to trust instead of those of Node.js. */
  readonly certificateFile?: string;
  readonly clientCertificateFile?: string;
  readonly clientKeyFile?: string;
}

const DEFAULT_URL = 'http://localhost:4318/v1/metrics';
const DEFAULT_TIMEOUT_MILLIS = 10_000;
const MAX_TIMEOUT_MILLIS = 2 ** 31 - 1;
const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;
const TEMPORALITIES = ['cumulative', 'delta', 'lowmemory'] as const;
const GENERAL = 'OTEL_EXPORTER_OTLP_';
const METRICS = 'OTEL_EXPORTER_OTLP_METRICS_';

/** The names of each option: that of the Python exporter, and that of the JavaScript one. */
const NAMES = {
  url: ['endpoint', 'url'],
  headers: ['headers'],
  timeout: ['timeout', 'timeoutMillis'],
  compression: ['compression'],
  temporality: ['preferred_temporality', 'temporalityPreference'],
  certificateFile: ['certificate_file', 'certificateFile'],
  clientCertificateFile: ['client_certificate_file', 'clientCertificateFile'],
  clientKeyFile: ['client_key_file', 'clientKeyFile'],
} as const;

interface Input {
  readonly options: Readonly<Record<string, unknown>>;
  readonly env: Environment;
  readonly problems: Problem[];
}

/** A value, and the option or variable that holds it. */
interface Found {
  readonly name: string;
  readonly path: string;
  readonly value: unknown;
}

/**
 * Normalises the options of the exporter `otlp` and completes them from `OTEL_EXPORTER_OTLP_METRICS_*`, then from
 * `OTEL_EXPORTER_OTLP_*`, then with the defaults of the specification. Whatever is wrong is added to `problems`.
 */
export function resolveOtlp(
  options: Readonly<Record<string, unknown>>,
  env: Environment,
  problems: Problem[],
): OtlpConfig {
  const input: Input = { options, env, problems };
  const known: readonly string[] = Object.values(NAMES).flat();
  for (const [name, value] of Object.entries(options)) {
    if (known.includes(name)) continue;
    problems.push({ path: `exporter.options.${name}`, value, expected: `only ${known.join(', ')}` });
  }
  const temporality = option(input, NAMES.temporality) ?? variable(input, `${METRICS}TEMPORALITY_PREFERENCE`);
  return {
    url: url(input),
    headers: headers(input),
    timeoutMillis: timeoutMillis(input),
    compression: choice(input, find(input, NAMES.compression, 'COMPRESSION'), COMPRESSIONS, 'none'),
    temporality: choice(input, temporality, TEMPORALITIES, 'cumulative'),
    ...files(input),
  };
}

function option({ options, problems }: Input, names: readonly string[]): Found | undefined {
  const [name, second] = names.filter((each) => options[each] !== undefined && options[each] !== null);
  if (second !== undefined) {
    const expected = `either ${names.join(' or ')}, not both`;
    problems.push({ path: `exporter.options.${second}`, value: options[second], expected });
  }
  return name === undefined ? undefined : { name, path: `exporter.options.${name}`, value: options[name] };
}

function variable({ env }: Input, name: string): Found | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === '' ? undefined : { name, path: name, value };
}

function find(input: Input, names: readonly string[], suffix: string): Found | undefined {
  return (
    option(input, names) ?? variable(input, `${METRICS}${suffix}`) ?? variable(input, `${GENERAL}${suffix}`)
  );
}

function url(input: Input): string {
  const found = find(input, NAMES.url, 'ENDPOINT');
  if (found === undefined) return DEFAULT_URL;
  const { name, path, value } = found;
  const parsed = typeof value === 'string' ? URL.parse(value) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    const shown = typeof value === 'string' ? value.replace(/\/\/[^/]*@/, '//(hidden)@') : value;
    input.problems.push({ path, value: shown, expected: 'an http:// or https:// URL' });
    return DEFAULT_URL;
  }
  // The general endpoint is a base for all signals; the others are used as they are.
  if (name === `${GENERAL}ENDPOINT`) parsed.pathname = parsed.pathname.replace(/\/?$/, '/v1/metrics');
  parsed.hash = '';
  return parsed.href;
}

function headers(input: Input): Record<string, string> {
  const all = [
    variable(input, `${GENERAL}HEADERS`),
    variable(input, `${METRICS}HEADERS`),
    option(input, NAMES.headers),
  ];
  const entries = all.flatMap((found) =>
    found === undefined ? [] : parseHeaders(found.value, found.path, input.problems),
  );
  return Object.fromEntries(entries);
}

function timeoutMillis(input: Input): number {
  const found = find(input, NAMES.timeout, 'TIMEOUT');
  if (found === undefined) return DEFAULT_TIMEOUT_MILLIS;
  const { name, path, value } = found;
  const number = path === name ? Number(value) : value;
  const perUnit = name === 'timeout' ? 1000 : 1;
  const millis = typeof number === 'number' ? number * perUnit : NaN;
  if (millis > 0 && millis <= MAX_TIMEOUT_MILLIS) return millis;
  const unit = perUnit === 1 ? 'milliseconds' : 'seconds';
  const expected = `${unit} in (0, ${Math.floor(MAX_TIMEOUT_MILLIS / perUnit)}]`;
  input.problems.push({ path, value, expected });
  return DEFAULT_TIMEOUT_MILLIS;
}

function choice<T extends string>(
  input: Input,
  found: Found | undefined,
  choices: readonly T[],
  preset: T,
): T {
  if (found === undefined) return preset;
  const { path, value } = found;
  const chosen = choices.find((name) => typeof value === 'string' && name === value.toLowerCase());
  if (chosen === undefined) input.problems.push({ path, value, expected: `one of ${choices.join(', ')}` });
  return chosen ?? preset;
}

function files(
  input: Input,
): Pick<OtlpConfig, 'certificateFile' | 'clientCertificateFile' | 'clientKeyFile'> {
  const certificateFile = file(input, find(input, NAMES.certificateFile, 'CERTIFICATE'));
  const certificate = find(input, NAMES.clientCertificateFile, 'CLIENT_CERTIFICATE');
  const key = find(input, NAMES.clientKeyFile, 'CLIENT_KEY');
  const lonely = certificate === undefined ? key : key === undefined ? certificate : undefined;
  if (lonely !== undefined) {
    const expected = 'a client certificate and its key together';
    input.problems.push({ path: lonely.path, value: lonely.value, expected });
  }
  const clientCertificateFile = file(input, certificate);
  const clientKeyFile = file(input, key);
  return {
    ...(certificateFile === undefined ? {} : { certificateFile }),
    ...(clientCertificateFile === undefined ? {} : { clientCertificateFile }),
    ...(clientKeyFile === undefined ? {} : { clientKeyFile }),
  };
}

function file({ problems }: Input, found: Found | undefined): string | undefined {
  if (found === undefined) return undefined;
  const { path, value } = found;
  const absolute = typeof value === 'string' && value !== '' ? absolutePath(value) : undefined;
  if (absolute !== undefined && isReadable(absolute)) return absolute;
  problems.push({ path, value, expected: 'the path of a file that can be read' });
  return undefined;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Options that {@link resolveOtlp} made; they may have been stored by another version. */
export function isOtlpConfig(
  options: Readonly<Record<string, unknown>>,
): options is Readonly<Record<string, unknown>> & OtlpConfig {
  return (
    typeof options['url'] === 'string' &&
    URL.canParse(options['url']) &&
    isRecord(options['headers']) &&
    typeof options['timeoutMillis'] === 'number' &&
    COMPRESSIONS.some((name) => name === options['compression']) &&
    TEMPORALITIES.some((name) => name === options['temporality'])
  );
}
