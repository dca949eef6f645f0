/**
 * Modes: which tree this thread records into, and who serves it.
 *
 * In: mode and address, as the user passes them. Out: a membership: a directory that is served, or will be in a moment.
 * Invariant: descendants of a process find its tree, however deep they are and whatever their environment.
 * On failure: CLIENT without a tree is an error; where nothing was asked for, LOCAL takes over and says so once. LOCAL
 * keeps its tree in memory where no directory can be written.
 */
import path from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';
import { invalid, show, TelemetryError } from './errors.ts';
import { checkEndpoint, readLink, writeLink, type Endpoint } from './link/settings.ts';
import { resolveSecret, type Secret } from './link/secret.ts';
import { listenTree } from './link/listen-tree.ts';
import { logError } from './log.ts';
import { memoryLimitBytes } from './tree/directory.ts';
import { useMemoryFiles } from './tree/files.ts';
import { findTree, registerProcess, TREE_VARIABLE } from './tree/registry.ts';
import { joinTree } from './tree/requests.ts';
import { writeTreeResource } from './tree/resource.ts';
import { Supervisor, whyNoServer, type SpawnOptions } from './tree/spawn.ts';
import { createTree, ensureTree, isTree } from './tree/trees.ts';

/** How a process takes part (seed: `TelemetryMode`). */
export const TelemetryMode = {
  /** The whole path inside this process, without a server; in its memory alone where no directory can be written. */
  LOCAL: 'local',
  /** Start the tree's telemetry server, and record into its directory. */
  SERVER: 'server',
  /** Record into the directory of a tree that is there, or send what is recorded to a server at `[host, port]`. */
  CLIENT: 'client',
} as const;
export type TelemetryMode = (typeof TelemetryMode)[keyof typeof TelemetryMode];

/** Directory of a tree, or host and port of a tree on another machine. */
export type Address = string | readonly [host: string, port: number];

export interface Membership {
  readonly mode: TelemetryMode;
  readonly directory: string;
  /** The directory is a real one, and not in the memory of this thread. */
  readonly isJournaled: boolean;
  /** This thread started the tree: its process waits for the last export when it exits. */
  readonly isOwner: boolean;
  readonly supervisor: Supervisor | undefined;
  /** Ends the membership: the server may leave when nobody else is left. */
  readonly leave: () => void;
}

export interface ModeOptions extends SpawnOptions {
  readonly mode?: TelemetryMode;
  readonly address?: Address;
  /**
   * What both sides of a link to `[host, port]` know: 16 to 1024 bytes. Default `MSC_TELEMETRY_SECRET`, else the content of the
   * file that `MSC_TELEMETRY_SECRET_FILE` names. It is kept in the tree's directory, which is this user's alone.
   */
  readonly secret?: Secret;
  /**
   * Mode server with `[host, port]`: milliseconds without its client after which what a client has begun counts as ended. Default
   * 3,600,000; from 1000.
   */
  readonly leaseMillis?: number;
}

/** Of all trees in the memory of a thread: a quarter of it, one writer's default budget, is what it is in a directory. */
const MAX_MEMORY_BYTES = 256 * 1024 * 1024;
/** Of the memory limit. */
const MAX_MEMORY_SHARE = 0.2;

/**
 * Joins or starts a tree.
 * @throws TelemetryError `MSC_MODE_UNKNOWN`, `MSC_ADDRESS_UNUSABLE`, `MSC_DIRECTORY_UNSAFE`, `MSC_TREE_NOT_FOUND`,
 *   `MSC_SECRET_UNUSABLE`.
 */
export function joinOrStart(options: ModeOptions, env: NodeJS.ProcessEnv): Membership {
  const { mode } = options;
  if (mode !== undefined && !Object.values(TelemetryMode).includes(mode)) {
    const expected = Object.values(TelemetryMode).join(', ');
    throw invalid('MSC_MODE_UNKNOWN', 'unknown telemetry mode', [{ path: 'mode', value: mode, expected }]);
  }
  // As in the original, LOCAL has no use for an address.
  const address = mode === TelemetryMode.LOCAL ? undefined : resolveAddress(options.address);
  if (typeof address === 'object') return overTcp(address, options, env);
  switch (mode) {
    case TelemetryMode.LOCAL:
      return stayLocal(newTree(env), undefined, env);
    case TelemetryMode.SERVER:
      return serveTree(address ?? createTree(env), options, env);
    case TelemetryMode.CLIENT:
      return join(address ?? findTree(env) ?? notFound(), options, env) ?? notFound(address);
    default:
      return byDefault(address, options, env);
  }
}

/** A tree that is found is joined, else one is started; where no server can be had, everything stays in this process. */
function byDefault(address: string | undefined, options: ModeOptions, env: NodeJS.ProcessEnv): Membership {
  const found = address ?? findTree(env);
  const joined = found === undefined || !isTree(found) ? undefined : join(found, options, env);
  if (joined !== undefined) return joined;
  const reason = whyNoServer();
  const tree: NewTree = address === undefined ? newTree(env) : { directory: address };
  if (reason !== undefined || tree.flaw !== undefined) return stayLocal(tree, reason, env);
  return serveTree(tree.directory, options, env);
}

/**
 * The server of an address listens for a tree of its own. A client records into a tree like any other, whose server sends
 * everything on; descendants that name the same address join it.
 */
function overTcp(endpoint: Endpoint, options: ModeOptions, env: NodeJS.ProcessEnv): Membership {
  const { host, port } = endpoint;
  const reason = whyNoServer();
  if (reason !== undefined) {
    const message = `${host}:${port} cannot be used: it takes a telemetry server process, and none can be started (${reason})`;
    const expected = 'a directory, or mode local';
    throw new TelemetryError('MSC_ADDRESS_UNUSABLE', message, [
      { path: 'address', value: [host, port], expected },
    ]);
  }
  if (options.mode === TelemetryMode.SERVER)
    return serveTree(listenTree(undefined, endpoint, options, env), options, env);
  const found = findTree(env);
  const link = found === undefined ? undefined : readLink(found);
  if (found !== undefined && link?.host === host && link.port === port) {
    const joined = join(found, options, env);
    if (joined !== undefined) return joined;
  }
  const secret = resolveSecret(options.secret, env);
  const tree = createTree(env);
  writeLink(tree, { host, port, ...secret });
  return { ...serveTree(tree, options, env), mode: TelemetryMode.CLIENT };
}

interface NewTree {
  readonly directory: string;
  /** Why it is only in the memory of this thread. */
  readonly flaw?: string;
}

function newTree(env: NodeJS.ProcessEnv): NewTree {
  try {
    return { directory: createTree(env) };
  } catch (error) {
    if (!(error instanceof TelemetryError)) throw error;
    const maxBytes = Math.min(MAX_MEMORY_BYTES, memoryLimitBytes() * MAX_MEMORY_SHARE);
    return { directory: createTree({ MSC_TELEMETRY_ROOT: useMemoryFiles(maxBytes) }), flaw: error.message };
  }
}

/** Everything in this process, with one line where that was not asked for, or where nothing will outlive it. */
function stayLocal(
  { directory, flaw }: NewTree,
  reason: string | undefined,
  env: NodeJS.ProcessEnv,
): Membership {
  const why = reason === undefined ? [] : [`no telemetry server can be started (${reason})`];
  if (flaw !== undefined) {
    why.push(flaw);
    logError(
      `${why.join('; ')}: telemetry stays in the memory of this process (mode local), nothing outlives it`,
    );
  } else if (reason !== undefined) {
    logError(`${why.join('; ')}: telemetry stays in this process (mode local)`);
  }
  const leave = enter(directory, env);
  const isJournaled = flaw === undefined;
  return { mode: TelemetryMode.LOCAL, directory, isJournaled, isOwner: true, supervisor: undefined, leave };
}

function join(directory: string, options: ModeOptions, env: NodeJS.ProcessEnv): Membership | undefined {
  if (!isTree(directory)) return undefined;
  const leave = joinTree(directory, threadId);
  // It may have been drained and removed between the look and the step.
  if (!isTree(directory)) return undefined;
  announce(directory, env);
  const supervisor = whyNoServer() === undefined ? new Supervisor(directory, options) : undefined;
  return { mode: TelemetryMode.CLIENT, directory, isJournaled: true, isOwner: false, supervisor, leave };
}

/** Makes a directory a tree with this thread as its member. Returns what ends the membership. */
function enter(directory: string, env: NodeJS.ProcessEnv): () => void {
  ensureTree(directory);
  writeTreeResource(directory, env);
  return joinTree(directory, threadId);
}

function serveTree(directory: string, options: ModeOptions, env: NodeJS.ProcessEnv): Membership {
  const leave = enter(directory, env);
  const supervisor = new Supervisor(directory, options);
  supervisor.startSoon();
  announce(directory, env);
  return { mode: TelemetryMode.SERVER, directory, isJournaled: true, isOwner: true, supervisor, leave };
}

/** Lets descendants find the tree: by the environment, or by ancestry where they get another one. */
function announce(directory: string, env: NodeJS.ProcessEnv): void {
  env[TREE_VARIABLE] = directory;
  // A thread does not speak for the process if the process can speak for itself.
  if (isMainThread || findTree({}) === undefined) registerProcess(directory);
}

function resolveAddress(address: unknown): string | Endpoint | undefined {
  if (address === undefined) return undefined;
  if (typeof address === 'string' && address !== '') return path.resolve(address);
  if (Array.isArray(address)) return checkEndpoint(address);
  const expected = 'the path of a directory, or [host, port]';
  throw invalid('MSC_ADDRESS_UNUSABLE', 'unusable telemetry address', [
    { path: 'address', value: address, expected },
  ]);
}

function notFound(address?: string): never {
  const where = address === undefined ? '' : ` at ${show(address)}`;
  throw new TelemetryError(
    'MSC_TREE_NOT_FOUND',
    `mode client: found no telemetry tree${where}, expected ${TREE_VARIABLE}, an ancestor process with telemetry, or the directory of a tree as address`,
    [{ path: 'address', value: address, expected: 'the directory of a tree' }],
  );
}
