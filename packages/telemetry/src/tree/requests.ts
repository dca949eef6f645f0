/**
 * Requests to a tree's server, and its answers: files, like everything else, so that they work from an `'exit'` handler.
 *
 *   requests/<random>.<digest>   somebody wants a configuration exported now; the server deletes it when that is done
 *   members/<process>-<thread>   somebody may still record; the server stays while one of them lives
 *   status.json                  what the server is doing; replaced, never edited
 *
 * On failure: a request that cannot be made is answered by its timeout; a member that cannot be written is one whose
 * journals alone keep the server. Nothing here throws.
 */
import path from 'node:path';
import { ensurePrivateDirectory, PRIVATE_FILE, readPrivateText } from './directory.ts';
import { existsSync, namesIn, unlinkSync, writeFileSync } from './files.ts';
import { currentIdentity, decodeIdentity, encodeIdentity, liveness } from './identity.ts';
import { randomName } from './random.ts';

const REQUESTS = 'requests';
const MEMBERS = 'members';
export const STATUS_FILE = 'status.json';
/** Behind a configuration's name: its pipeline to `/metrics`, beside the one to its exporter. */
export const SCRAPED_SUFFIX = '.prometheus';

/** What a server says of one configuration. */
export interface ConfigurationStatus {
  readonly exporter: string;
  readonly state: 'starting' | 'ok' | 'away' | 'failed';
  readonly error?: string;
  /** What is exported; absent in trees of version 0.1.0. */
  readonly signal?: 'metrics' | 'traces';
  /** Where `/metrics` is served. */
  readonly url?: string;
  /** Journal bytes that wait. */
  readonly journalBytes?: number;
  /** Requests so far, by what became of them. */
  readonly requests?: Readonly<Record<string, number>>;
  /** Seconds that the last request took. */
  readonly exportSeconds?: number;
  /** Seconds from recording to reading, of what was read last. */
  readonly lagSeconds?: number;
  /** Grows with every request that is settled. */
  readonly progress: number;
}

/** What a server says of its link over TCP: to the server that it sends to, or for the clients that send to it. */
export interface LinkStatus {
  readonly host: string;
  readonly port: number;
  /** `away`: there is no connection, or the port cannot be had; what is recorded waits in the journals. */
  readonly state: 'connected' | 'listening' | 'away';
  readonly error?: string;
  /** Of a `TelemetryError`. */
  readonly errorCode?: string;
  /** Of a client: epoch milliseconds at which `state` began. */
  readonly sinceMillis?: number;
  /** Of a client: bytes in the journals that the other server has not acknowledged. */
  readonly bytesBehind?: number;
  /** Of a server: clients that are connected. */
  readonly clients?: number;
}

export interface ServerStatus {
  readonly pid: number;
  readonly startedAtMillis: number;
  readonly link?: LinkStatus;
  readonly configurations: Readonly<Record<string, ConfigurationStatus>>;
}

/** Where a tree's records go to a server elsewhere, it is enough that this one has them. */
const HAND_OVER = 'handover';

/**
 * Asks the server to export a configuration now; the path of the request, or `undefined` where it cannot be made. With
 * `handOver`, a tree that sends its records to a server elsewhere answers when that one has them.
 */
export function requestFlush(
  tree: string,
  digest: string,
  { handOver = false }: { readonly handOver?: boolean } = {},
): string | undefined {
  try {
    const directory = requestsDirectory(tree);
    ensurePrivateDirectory(directory);
    const name = `${randomName()}.${digest}`;
    const request = path.join(directory, handOver ? `${name}.${HAND_OVER}` : name);
    writeFileSync(request, '', PRIVATE_FILE);
    return request;
  } catch {
    return undefined;
  }
}

/** Whether the server has answered. */
export function isAnswered(request: string): boolean {
  return !existsSync(request);
}

/** Where requests lie. */
export function requestsDirectory(tree: string): string {
  return path.join(tree, REQUESTS);
}

/** A request by its file's name: its path, and the configuration that it is about. */
export function requestOf(
  tree: string,
  name: string,
): { request: string; digest: string; handOver: boolean } {
  const [, digest = '', how] = name.split('.');
  return { request: path.join(tree, REQUESTS, name), digest, handOver: how === HAND_OVER };
}

/** Takes a request away: answered, or given up. */
export function removeRequest(request: string): void {
  try {
    unlinkSync(request);
  } catch {
    // The other side was first.
  }
}

/** Announces that a thread of this process may record. Returns what ends it. */
export function joinTree(tree: string, thread: number): () => void {
  const file = path.join(tree, MEMBERS, `${process.pid}-${thread}-${randomName().slice(0, 8)}`);
  try {
    ensurePrivateDirectory(path.join(tree, MEMBERS));
    writeFileSync(file, encodeIdentity(currentIdentity()), PRIVATE_FILE);
  } catch {
    return () => undefined;
  }
  return () => removeRequest(file);
}

/** Members that live, or that cannot be looked up from here; dead ones are removed. */
export function liveMembers(tree: string): number {
  let live = 0;
  for (const name of namesIn(path.join(tree, MEMBERS))) {
    const file = path.join(tree, MEMBERS, name);
    const identity = decodeIdentity(readPrivateText(file) ?? '');
    if (identity !== undefined && liveness(identity) !== 'dead') live++;
    else removeRequest(file);
  }
  return live;
}

/** `undefined` where there is none, or what is there is no status: it reaches programs, and nothing in it may stop them. */
export function readServerStatus(tree: string): ServerStatus | undefined {
  try {
    const status: unknown = JSON.parse(readPrivateText(path.join(tree, STATUS_FILE)) ?? '');
    return isServerStatus(status) ? status : undefined;
  } catch {
    return undefined;
  }
}

function isServerStatus(value: unknown): value is ServerStatus {
  if (!isRecord(value) || !isRecord(value['configurations'])) return false;
  const { configurations, link } = value;
  return Object.values(configurations).every(isConfigurationStatus) && (link === undefined || isLink(link));
}

function isConfigurationStatus(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { exporter, state, progress, error, url, requests } = value;
  return (
    [exporter, state].every(isText) &&
    typeof progress === 'number' &&
    [error, url].every((text) => text === undefined || isText(text)) &&
    (requests === undefined || isRecord(requests))
  );
}

function isLink(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { host, port, state, error, errorCode } = value;
  return (
    [host, state].every(isText) &&
    typeof port === 'number' &&
    [error, errorCode].every((text) => text === undefined || isText(text))
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isText = (value: unknown): value is string => typeof value === 'string';
