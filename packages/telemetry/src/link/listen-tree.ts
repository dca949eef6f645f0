/**
 * The tree that a server of links keeps: what it is, before its telemetry server starts.
 *
 * In: an endpoint, a secret, and perhaps a directory. Out: a directory whose server will listen there.
 * Invariant: the same endpoint has the same directory, so that clients go on where they were. One that is served already
 * keeps its settings. On failure: a TelemetryError that names what is wrong.
 */
import { invalid } from '../errors.ts';
import { serverHolder } from '../tree/lock.ts';
import { ensureTree, listeningTree } from '../tree/trees.ts';
import { resolveSecret, type Secret } from './secret.ts';
import { DEFAULT_LEASE_MILLIS, removeListening, writeListening, type Endpoint } from './settings.ts';

const MIN_LEASE_MILLIS = 1000;

export interface ListenOptions {
  readonly secret?: Secret;
  readonly leaseMillis?: number;
}

/** @throws TelemetryError `MSC_SECRET_UNUSABLE`, `MSC_CONFIGURATION_INVALID`, `MSC_DIRECTORY_UNSAFE`, `MSC_ADDRESS_UNUSABLE`. */
export function listenTree(
  directory: string | undefined,
  { host, port }: Endpoint,
  options: ListenOptions,
  env: NodeJS.ProcessEnv,
): string {
  const secret = resolveSecret(options.secret, env);
  const leaseMillis = checkLease(options.leaseMillis ?? DEFAULT_LEASE_MILLIS);
  const tree = directory ?? listeningTree(env, host, port);
  ensureTree(tree);
  if (!isServed(tree)) writeListening(tree, { host, port, leaseMillis, ...secret });
  return tree;
}

/** The tree's server listens no more, from its next start on. */
export function listenNoMore(tree: string): void {
  if (!isServed(tree)) removeListening(tree);
}

function isServed(tree: string): boolean {
  const holder = serverHolder(tree);
  return holder !== undefined && holder.liveness !== 'dead';
}

function checkLease(millis: unknown): number {
  if (typeof millis === 'number' && millis >= MIN_LEASE_MILLIS && millis < Infinity) return millis;
  const expected = `milliseconds from ${MIN_LEASE_MILLIS}`;
  throw invalid('MSC_CONFIGURATION_INVALID', 'telemetry options are invalid', [
    { path: 'leaseMillis', value: millis, expected },
  ]);
}
