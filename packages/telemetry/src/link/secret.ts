/**
 * The secret that both sides of a link know: where it comes from, and what it must be.
 *
 * In: an option and the environment. Out: what is stored in the tree's directory; bytes for the handshake.
 * Invariant: no error, log line or environment of another process holds it.
 * On failure: a TelemetryError `MSC_SECRET_UNUSABLE`.
 */
import path from 'node:path';
import { invalid } from '../errors.ts';
import { codeOf } from '../tree/errno.ts';
import { readFileSync } from '../tree/files.ts';

const MIN_BYTES = 16;
const MAX_BYTES = 1024;
const SECRET_VARIABLE = 'MSC_TELEMETRY_SECRET';
const SECRET_FILE_VARIABLE = 'MSC_TELEMETRY_SECRET_FILE';

/** Text counts as its UTF-8 bytes. */
export type Secret = string | Uint8Array;

/** As it is stored: base64, or the path of a file, which is read again for each connection. */
export type StoredSecret = { readonly secret: string } | { readonly secretFile: string };

/**
 * The option, else `MSC_TELEMETRY_SECRET`, else the file that `MSC_TELEMETRY_SECRET_FILE` names.
 * @throws TelemetryError `MSC_SECRET_UNUSABLE` where there is none, or one of less than 16 or more than 1024 bytes.
 */
export function resolveSecret(option: unknown, env: Readonly<NodeJS.ProcessEnv>): StoredSecret {
  if (option !== undefined) return store('secret', option);
  const text = env[SECRET_VARIABLE];
  if (text !== undefined && text !== '') return store(SECRET_VARIABLE, text);
  const file = env[SECRET_FILE_VARIABLE];
  if (file === undefined || file === '') throw unusable('secret', undefined);
  const stored = { secretFile: path.resolve(file) };
  readSecret(stored);
  return stored;
}

/** @throws TelemetryError `MSC_SECRET_UNUSABLE` where its file cannot be read, or does not hold one. */
export function readSecret(stored: StoredSecret): Uint8Array {
  if ('secret' in stored) return check('secret', Buffer.from(stored.secret, 'base64'));
  let text: string;
  try {
    // Not through the checks of our own directories: mounted secrets are symbolic links that belong to root.
    text = readFileSync(stored.secretFile, 'utf8');
  } catch (error) {
    throw unusable(stored.secretFile, codeOf(error) ?? 'no text');
  }
  return check(stored.secretFile, Buffer.from(text.replace(/\r?\n$/, '')));
}

function store(where: string, secret: unknown): StoredSecret {
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) throw unusable(where, typeof secret);
  return { secret: Buffer.from(check(where, Buffer.from(secret))).toString('base64') };
}

function check(where: string, secret: Uint8Array): Uint8Array {
  if (secret.length >= MIN_BYTES && secret.length <= MAX_BYTES) return secret;
  throw unusable(where, `${secret.length} bytes`);
}

function unusable(where: string, value: string | undefined): Error {
  const size = `a secret of ${MIN_BYTES} to ${MAX_BYTES} bytes`;
  const sources = `the option secret, ${SECRET_VARIABLE}, or ${SECRET_FILE_VARIABLE}`;
  const expected = value === undefined ? `${size}: ${sources}` : size;
  return invalid('MSC_SECRET_UNUSABLE', 'unusable secret of a link', [{ path: where, value, expected }]);
}
