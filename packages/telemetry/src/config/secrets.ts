/**
 * No problem shows a secret: headers and credentials in a configuration may be wrong, and errors go to logs.
 *
 * Options of exporters are shown only where their key is known to hold no secret, since what is misspelt, or belongs to a
 * class of the program, may be one; elsewhere the key's name decides. A URL loses its user, its password and its query anywhere.
 * On failure (a hostile object): the value is hidden.
 */
import type { Problem } from '../errors.ts';

const HIDDEN = '(hidden)';
const MAX_DEPTH = 8;
/** Keys without underscores, in lower case. */
const SECRET = /header|secret|credential|passw|token|authorization|cookie|(private|api|access|account)key/;
const HARMLESS_OPTIONS = new Set(
  [
    'endpoint url host port protocol compression timeout timeoutMillis insecure path preferredTemporality temporalityPreference',
    'certificateFile clientCertificateFile clientKeyFile scopes clientId authority',
    'vaultEndpoint vaultNamespace mountPoint secretPath certKey keyKey caKey',
  ].flatMap((names) => names.toLowerCase().split(' ')),
);

export function withoutSecrets(problem: Problem): Problem {
  const keys = problem.path.split(/[.[\]]+/).map(plain);
  let value: unknown = HIDDEN;
  try {
    value = hide(problem.value, keys);
  } catch {
    // It cannot even be looked at.
  }
  return value === problem.value ? problem : { ...problem, value };
}

/** The same value where nothing of it has to be hidden. */
function hide(value: unknown, keys: readonly string[], depth = 0): unknown {
  if (typeof value === 'string') {
    if (value !== '' && isSecret(keys)) return HIDDEN;
    return value
      .replaceAll(/\/\/[^/\s]*@/g, `//${HIDDEN}@`)
      .replaceAll(/(:\/\/[^\s?]*\?)\S+/g, `$1${HIDDEN}`);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return HIDDEN;
  const parts = Object.entries(value);
  const shown = parts.map(([key, part]): [string, unknown] => [
    key,
    hide(part, Array.isArray(value) ? keys : [...keys, plain(key)], depth + 1),
  ]);
  if (shown.every(([, part], index) => Object.is(part, parts[index][1]))) return value;
  return Array.isArray(value) ? shown.map(([, part]) => part) : Object.fromEntries(shown);
}

function isSecret(keys: readonly string[]): boolean {
  const options = keys.findIndex((key, index) => key === 'options' && keys[index - 1] === 'exporter');
  if (options < 0) return keys.some((key) => SECRET.test(key));
  const own = keys.slice(options + 1);
  return !HARMLESS_OPTIONS.has(own.at(-1) ?? '') || own.slice(0, -1).some((key) => SECRET.test(key));
}

function plain(key: string): string {
  return key.replaceAll('_', '').toLowerCase();
}
