import type { Found, OptionSource } from './option-source.ts';
import type { Find } from './otlp-config.ts';

const GENERAL = 'OTEL_EXPORTER_OTLP_ENDPOINT';

/** The URL that requests of a signal are posted to. */
export function httpUrl(source: OptionSource, find: Find, path: string): string {
  const preset = `http://localhost:4318${path}`;
  const insecure = source.option(['insecure']);
  if (insecure !== undefined) source.problem(insecure, 'no such option but with the protocol grpc');
  const found = find('url', 'ENDPOINT');
  if (found === undefined) return preset;
  const { name, value } = found;
  const parsed = typeof value === 'string' ? URL.parse(value) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    source.problem(shown(found), 'an http:// or https:// URL');
    return preset;
  }
  // The general endpoint is a base for all signals; the others are used as they are.
  if (name === GENERAL) parsed.pathname = parsed.pathname.replace(/\/?$/, path);
  parsed.hash = '';
  return parsed.href;
}

/**
 * Scheme, host and port of a gRPC server. The scheme says whether the connection is secure; where there is none,
 * `insecure` does, and the default is secure, as the specification has it.
 */
export function grpcUrl(source: OptionSource, find: Find): string {
  const preset = 'http://localhost:4317';
  const isInsecure = insecureOf(source, find);
  const found = find('url', 'ENDPOINT');
  if (found === undefined) return preset;
  const { value } = found;
  const hasScheme = typeof value === 'string' && /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
  const scheme = isInsecure === true ? 'http' : 'https';
  const parsed = typeof value === 'string' ? URL.parse(hasScheme ? value : `${scheme}://${value}`) : null;
  const isPlain =
    parsed !== null &&
    /^https?:$/.test(parsed.protocol) &&
    parsed.href === `${parsed.origin}/` &&
    parsed.hostname !== '';
  if (!isPlain) {
    source.problem(shown(found), 'host:port, http://host:port or https://host:port');
    return preset;
  }
  if (source.options['insecure'] === false && parsed.protocol === 'http:') {
    source.problem(shown(found), 'an https:// URL, since insecure is false');
  }
  return parsed.origin;
}

function insecureOf(source: OptionSource, find: Find): boolean | undefined {
  const found = find('insecure', 'INSECURE');
  if (found === undefined) return undefined;
  const { value } = found;
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  if (text === 'true' || text === 'false') return text === 'true';
  source.problem(found, 'true or false');
  return undefined;
}

/** Without user and password. */
function shown(found: Found): Found {
  const { value } = found;
  return typeof value === 'string'
    ? { ...found, value: value.replace(/^([^/]*\/\/)?[^/]*@/, '$1(hidden)@') }
    : found;
}
