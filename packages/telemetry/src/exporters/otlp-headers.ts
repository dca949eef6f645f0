import type { Problem } from '../errors.ts';
import { isRecord } from './json.ts';
import { HIDDEN } from './option-source.ts';

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const METADATA_NAME = /^(?!grpc-)[0-9a-z_.-]+$/;
const METADATA_VALUE = /^[\x20-\x7e]*$/;

/**
 * Reads request headers from an object of strings, or from `name=value,name2=value2` with percent-encoded values, as
 * the OTLP specification has it for environment variables. Names come out in lower case. No error shows what a header
 * holds: it may be a credential.
 */
export function parseHeaders(value: unknown, path: string, problems: Problem[]): [string, string][] {
  const entries = typeof value === 'string' ? split(value) : fromObject(value);
  if (entries === undefined) {
    problems.push({ path, value: HIDDEN, expected: 'an object of strings, or "name=value,name2=value2"' });
    return [];
  }
  const headers: [string, string][] = [];
  for (const [name, text] of entries) {
    if (NAME.test(name) && typeof text === 'string' && VALUE.test(text)) headers.push([name, text]);
    else problems.push({ path: `${path}.${name}`, value: HIDDEN, expected: 'a valid HTTP header' });
  }
  return headers;
}

/** Whether a header can be gRPC metadata; it is a problem where not. */
export function isMetadata(name: string, text: string, path: string, problems: Problem[]): boolean {
  if (METADATA_NAME.test(name) && METADATA_VALUE.test(text)) return true;
  problems.push({ path: `${path}.${name}`, value: HIDDEN, expected: 'valid gRPC metadata' });
  return false;
}

function fromObject(value: unknown): [string, unknown][] | undefined {
  if (!isRecord(value) || Array.isArray(value)) return undefined;
  return Object.entries(value).map(([name, text]) => [name.toLowerCase(), text]);
}

function split(text: string): [string, string][] | undefined {
  const entries: [string, string][] = [];
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const at = pair.indexOf('=');
    if (at < 1) return undefined;
    const name = pair.slice(0, at).trim().toLowerCase();
    try {
      entries.push([name, decodeURIComponent(pair.slice(at + 1).trim())]);
    } catch {
      return undefined;
    }
  }
  return entries;
}
