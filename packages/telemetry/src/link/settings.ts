/**
 * What the directory of a tree says about links: that its records go to a server elsewhere, or that clients elsewhere may
 * bring theirs. Whoever serves the directory later finds it here, adopters and restarted servers included.
 *
 * Invariant: the files hold the secret; they are private, as the journals beside them are.
 * On failure to read: no link; a directory with a file that cannot be read is not served (its records would go elsewhere).
 */
import path from 'node:path';
import { invalid } from '../errors.ts';
import { readPrivateText } from '../tree/directory.ts';
import { existsSync, replaceFile, rmSync } from '../tree/files.ts';
import type { StoredSecret } from './secret.ts';

const LINK_FILE = 'link.json';
const LISTEN_FILE = 'listen.json';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Where this tree's records go. */
export type LinkSettings = Endpoint & StoredSecret;

export type ListenSettings = Endpoint &
  StoredSecret & {
    /** Milliseconds without its client after which a journal counts as ended. */
    readonly leaseMillis: number;
  };

export const DEFAULT_LEASE_MILLIS = 3_600_000;

/** @throws TelemetryError `MSC_ADDRESS_UNUSABLE`. */
export function checkEndpoint(address: readonly unknown[]): Endpoint {
  const [host, port] = address;
  const isHost = typeof host === 'string' && host !== '';
  const isPort = typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536;
  if (address.length === 2 && isHost && isPort) return { host, port };
  throw invalid('MSC_ADDRESS_UNUSABLE', 'unusable telemetry address', [
    { path: 'address', value: address, expected: '[host, port], with a port from 1 to 65535' },
  ]);
}

export function writeLink(tree: string, settings: LinkSettings): void {
  replaceFile(path.join(tree, LINK_FILE), JSON.stringify(settings));
}

export function writeListening(tree: string, settings: ListenSettings): void {
  replaceFile(path.join(tree, LISTEN_FILE), JSON.stringify(settings));
}

export function removeListening(tree: string): void {
  rmSync(path.join(tree, LISTEN_FILE), { force: true });
}

/** `undefined` where the tree's records stay here. */
export function readLink(tree: string): LinkSettings | undefined {
  return read(tree, LINK_FILE) as LinkSettings | undefined;
}

/** `undefined` where nobody listens for this tree. */
export function readListening(tree: string): ListenSettings | undefined {
  return read(tree, LISTEN_FILE) as ListenSettings | undefined;
}

function read(tree: string, name: string): unknown {
  const file = path.join(tree, name);
  const text = readPrivateText(file);
  if (text !== undefined) return JSON.parse(text);
  if (existsSync(file)) throw new Error(`${file} is not a private file`);
  return undefined;
}
