import type { Problem } from '../errors.ts';
import { isRecord } from './json.ts';

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Headers carry credentials, so no error shows what one holds. */
const HIDDEN = '(hidden)';

/**
 * Reads request headers from an object of strings, or from `name=value,name2=value2` with percent-encoded values, as
 * the OTLP specification has it for environment variables. Names come out in lower case.
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
