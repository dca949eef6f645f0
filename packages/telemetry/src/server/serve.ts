/**
 * Serve: the loop of a telemetry server, in a process of its own (`main.ts`), in the CLI, or inside a LOCAL program.
 *
 * In: a directory. Out: it is served until nobody is left and all is exported; so are directories that killed trees of
 * this user left behind.
 * Invariant: never two servers for one directory. On failure: what cannot be exported stays for the next start.
 */
import { statSync } from '../tree/files.ts';
import { serverHolder } from '../tree/lock.ts';
import { sweepRegistry } from '../tree/registry.ts';
import { liveMembers } from '../tree/requests.ts';
import { writeTreeResource } from '../tree/resource.ts';
import { ensureTree, listTrees } from '../tree/trees.ts';
import { isAbandoned, TreeServer } from './tree-server.ts';

const { clearTimeout, setTimeout } = globalThis;

/** An idle server looks every 150 ms: 0.3 % of a core, of which half is what a timer costs at all. */
const MIN_POLL_MILLIS = 10;
const MAX_POLL_MILLIS = 150;
const ADOPT_MILLIS = 30_000;
/** How long a server without members waits for a backend that is away: its own tree's, and those of others. */
const LINGER_MILLIS = 60_000;
const ADOPTED_LINGER_MILLIS = 5000;
/** A directory this young, in which nobody has recorded, may belong to a process that is just about to join it. */
const MIN_ORPHAN_AGE_MILLIS = 5000;

export interface ServeOptions {
  readonly directory: string;
  readonly log: (message: string) => void;
  /** Where to look for the directories that trees left behind; without it they are not looked for. */
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds to stay without members while the backend is away. Default 60,000. */
  readonly lingerMillis?: number;
  /** Whether to end by itself when nobody is left. Default true. */
  readonly leaves?: boolean;
  /** Whether the loop keeps its process alive. Default true. */
  readonly keepsAlive?: boolean;
}

export interface Serving {
  /** Resolves when the server has left. */
  readonly ended: Promise<void>;
  /** Whether what other trees left behind is on its way to a backend that accepts it. */
  readonly isDraining: boolean;
  /** Exports all that is there. */
  flush(): Promise<void>;
  /** Takes no more from programs elsewhere: they keep it, and bring it to the next server. */
  stopListening(): void;
  /** At exit, synchronously: removes the directories of which all is exported. */
  removeExported(): void;
  /** Leaves now: what is unfinished stays on disk. With `remove`, a directory that is drained is removed. */
  stop(options?: { remove?: boolean }): Promise<void>;
}

/**
 * Makes a directory one that can be served: private, a tree, with the resource of `env` (`OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES`). One that is served already stays as it is.
 * @throws TelemetryError `MSC_DIRECTORY_UNSAFE`, `MSC_ADDRESS_UNUSABLE`.
 */
export function prepareTree(directory: string, env: Readonly<NodeJS.ProcessEnv>): void {
  ensureTree(directory);
  const holder = serverHolder(directory);
  if (holder === undefined || holder.liveness === 'dead') writeTreeResource(directory, env);
}

export { listenNoMore, listenTree } from '../link/listen-tree.ts';

/** Serves a directory; `undefined` where another server does. */
export function serve(options: ServeOptions): Serving | undefined {
  const { directory, log, keepsAlive = true } = options;
  const own = TreeServer.open(directory, log, { keepsAlive });
  return own === undefined ? undefined : new Loop(own, options);
}

class Loop implements Serving {
  readonly #own: TreeServer;
  readonly #options: ServeOptions;
  readonly #adopted = new Map<string, TreeServer>();
  /** Drained, as far as that could be done; what is left of them is not for this server. */
  readonly #finished = new Set<string>();
  #pollMillis = MIN_POLL_MILLIS;
  #timer: NodeJS.Timeout | undefined;
  #nextAdoptionMillis = 0;
  #aloneSinceMillis: number | undefined;
  #isFlushing = false;
  #isStopped = false;
  readonly #end: () => void;
  readonly ended: Promise<void>;

  constructor(own: TreeServer, options: ServeOptions) {
    this.#own = own;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    this.#poll();
  }

  get isDraining(): boolean {
    const stuck = new Set<string>(['away', 'failed']);
    return [...this.#adopted.values()].some(({ states }) => !states.some((state) => stuck.has(state)));
  }

  flush(): Promise<void> {
    return this.#own.flush();
  }

  stopListening(): void {
    this.#own.stopListening();
  }

  removeExported(): void {
    if (this.#own.isExported) this.#own.remove();
    for (const tree of this.#adopted.values()) if (tree.isDrained) tree.remove();
  }

  async stop({ remove = false } = {}): Promise<void> {
    if (this.#isStopped) return this.ended;
    this.#isStopped = true;
    clearTimeout(this.#timer);
    const isDrained = this.#own.isDrained;
    await Promise.all([this.#own, ...this.#adopted.values()].map((tree) => tree.stop()));
    if (remove && isDrained) this.#own.remove();
    this.#end();
  }

  #poll(): void {
    const nowMillis = Date.now();
    let isBusy = this.#own.poll(nowMillis);
    for (const tree of this.#adopted.values()) isBusy = tree.poll(nowMillis) || isBusy;
    if (nowMillis >= this.#nextAdoptionMillis) this.#adopt(nowMillis);
    this.#finishAdopted();
    if (this.#options.leaves !== false) this.#leaveIfAlone(nowMillis);
    if (this.#isStopped) return;
    // Step by step in both directions: an idle server exports its own state now and then, and is not busy for that.
    this.#pollMillis = isBusy
      ? Math.max(MIN_POLL_MILLIS, this.#pollMillis / 4)
      : Math.min(MAX_POLL_MILLIS, this.#pollMillis * 2);
    this.#timer = setTimeout(() => this.#poll(), this.#pollMillis);
    if (this.#options.keepsAlive === false) this.#timer.unref();
  }

  #leaveIfAlone(nowMillis: number): void {
    if (this.#own.hasMembers) {
      this.#aloneSinceMillis = undefined;
      return;
    }
    this.#aloneSinceMillis ??= nowMillis;
    const isDone = this.#own.isDrained;
    const { lingerMillis = LINGER_MILLIS } = this.#options;
    // Not for long for what others left behind: its backend is away, and the next server takes it up.
    const patienceMillis =
      isDone && !this.isDraining ? Math.min(lingerMillis, ADOPTED_LINGER_MILLIS) : lingerMillis;
    const isOver = isDone && this.#adopted.size === 0;
    if (isOver || nowMillis - this.#aloneSinceMillis > patienceMillis) {
      void this.stop({ remove: true });
    } else if (!this.#isFlushing && !isDone) {
      this.#isFlushing = true;
      void this.#own.flush({ tick: false }).finally(() => (this.#isFlushing = false));
    }
  }

  /** Takes over the directories of trees that were killed as a whole. */
  #adopt(nowMillis: number): void {
    const { env, log, keepsAlive = true } = this.#options;
    this.#nextAdoptionMillis = nowMillis + ADOPT_MILLIS;
    if (env === undefined) return;
    sweepRegistry();
    for (const directory of listTrees(env)) {
      const isKnown = this.#adopted.has(directory) || this.#finished.has(directory);
      if (directory === this.#own.directory || isKnown) continue;
      try {
        const holder = serverHolder(directory);
        if ((holder !== undefined && holder.liveness !== 'dead') || liveMembers(directory) > 0) continue;
        const isYoung = nowMillis - statSync(directory).mtimeMs < MIN_ORPHAN_AGE_MILLIS;
        if (isYoung && !isAbandoned(directory)) continue;
        const tree = TreeServer.open(directory, log, { keepsAlive, isScraped: false });
        if (tree === undefined) continue;
        // Inside a program only what goes wrong is worth a line.
        if (keepsAlive) log(`draining ${directory}, which a killed process tree left behind`);
        this.#adopted.set(directory, tree);
        void tree.flush({ tick: false });
      } catch (error) {
        log(`${directory} cannot be drained: ${String(error)}`);
      }
    }
  }

  #finishAdopted(): void {
    for (const [directory, tree] of this.#adopted) {
      if (!tree.isDrained || this.#finished.has(directory)) continue;
      this.#finished.add(directory);
      void tree.stop().then(() => {
        tree.remove();
        this.#adopted.delete(directory);
      });
    }
  }
}
