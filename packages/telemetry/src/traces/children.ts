/**
 * Context into children: processes and threads that are started inside a span continue its trace.
 *
 * In: the context at the moment of the start. Out: `TRACEPARENT` and `TRACESTATE` in the child's environment; environment data
 * for worker threads, which are copied at the same moment.
 * Invariant: a variable that the caller has set is not touched, and neither is anything else of the call; what was there
 * before is back when the last user has let go.
 * On failure: the child starts as it would have without this.
 */
import childProcess, { ChildProcess } from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { context, type SpanContext } from '@opentelemetry/api';
import { SERVER_VARIABLE } from '../tree/spawn.ts';
import { CARRIER_KEY, OWN_TRACEPARENT, type ThreadCarrier, type Variables } from './carrier.ts';
import { withInherited } from './context.ts';
import type { TracingSdk } from './sdk.ts';

type Variable = readonly [name: string, value: string | undefined];

/** Shared by all copies of this package in a thread. */
const KEY = Symbol.for('multistorageclient.telemetry.children');
const shared = globalThis as { [KEY]?: { users: number; readonly remove: () => void } };

/** Hands the active context to children from now on. Returns what ends it, when all who asked for it have. */
export function continueInChildren(sdk: TracingSdk, inherited: SpanContext | undefined): () => void {
  const hooks = (shared[KEY] ??= { users: 0, remove: install(() => variablesOf(sdk, inherited)) });
  hooks.users++;
  let isReleased = false;
  return () => {
    if (isReleased) return;
    isReleased = true;
    if (--hooks.users > 0) return;
    hooks.remove();
    delete shared[KEY];
  };
}

/** The active context as variables; none where there is no span. Never throws. */
function variablesOf({ core, carrier }: TracingSdk, inherited: SpanContext | undefined): Variables {
  const variables: Record<string, string> = {};
  try {
    const active = withInherited(context.active(), inherited);
    const setter = new carrier.EnvironmentSetter(variables);
    new core.W3CTraceContextPropagator().inject(active, undefined, setter);
  } catch {
    // A foreign span may be anything.
  }
  return variables;
}

function install(carried: () => Variables): () => void {
  const removals = [
    replace(ChildProcess.prototype, 'spawn', (args) => spawnWith(args, carried())),
    replace(childProcess, 'spawnSync', (args) => callWith(args, optionsOfFile(args), carried())),
    replace(childProcess, 'execFileSync', (args) => callWith(args, optionsOfFile(args), carried())),
    replace(childProcess, 'execSync', (args) => callWith(args, 1, carried())),
    handToThreads(carried),
  ];
  syncBuiltinESMExports();
  return () => {
    for (const remove of removals) remove();
    syncBuiltinESMExports();
  };
}

/** Changes the arguments of a function; everything else of it stays as it is. */
function replace(
  owner: object,
  name: string,
  change: (args: readonly unknown[]) => readonly unknown[],
): () => void {
  const owned = owner as Record<string, unknown>;
  const original = owned[name];
  if (typeof original !== 'function') return () => undefined;
  const replacement: unknown = new Proxy(original, {
    apply: (target, self, args: unknown[]) => {
      let changed: readonly unknown[] = args;
      try {
        changed = change(args);
      } catch {
        // What is wrong with the arguments is Node's to say.
      }
      return Reflect.apply(target as () => unknown, self, changed) as unknown;
    },
  });
  owned[name] = replacement;
  return () => {
    if (owned[name] === replacement) owned[name] = original;
  };
}

/** `ChildProcess.prototype.spawn({envPairs, …})`: where spawn, fork, exec, execFile and cluster.fork all end. */
function spawnWith([options, ...rest]: readonly unknown[], carried: Variables): readonly unknown[] {
  const { envPairs } = options as { readonly envPairs: readonly string[] };
  // On Windows there are names that begin with `=`.
  const variables = envPairs.map((pair): Variable => {
    const at = pair.indexOf('=', 1);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const pairs = withContext(variables, carried).map(([name, value]) => `${name}=${value}`);
  return [{ ...(options as object), envPairs: pairs }, ...rest];
}

/** Arguments of a synchronous function, with the options at `at`. */
function callWith(args: readonly unknown[], at: number, carried: Variables): readonly unknown[] {
  const options = (args[at] ?? {}) as { readonly env?: Readonly<NodeJS.ProcessEnv> | null };
  if (typeof options !== 'object') return args;
  const env = options.env ?? process.env;
  const variables: Variable[] = [];
  // As Node does it, with what an environment inherits from its prototype.
  for (const name in env) variables.push([name, env[name]]);
  const changed = Array.from({ length: Math.max(args.length, at + 1) }, (_, index) => args[index]);
  changed[at] = { ...options, env: Object.fromEntries(withContext(variables, carried)) };
  return changed;
}

/** `(file, args?, options?)`: the list of arguments may be left out. */
function optionsOfFile([, second]: readonly unknown[]): number {
  return Array.isArray(second) || second === undefined || second === null ? 2 : 1;
}

/** The variables of a child, with the context unless its caller has set another one. */
function withContext(variables: readonly Variable[], carried: Variables): readonly Variable[] {
  const given = variables.find(([name]) => spelled(name) === 'TRACEPARENT')?.[1];
  const isSet = given !== undefined && given !== OWN_TRACEPARENT;
  const isServer = variables.some(([name]) => name === SERVER_VARIABLE);
  if (isSet || isServer || carried['TRACEPARENT'] === undefined) return variables;
  const others = variables.filter(([name]) => !['TRACEPARENT', 'TRACESTATE'].includes(spelled(name)));
  return [...others, ...Object.entries(carried)];
}

function spelled(name: string): string {
  return process.platform === 'win32' ? name.toUpperCase() : name;
}

/**
 * A worker thread gets a copy of the environment data when it is created, and copying reads the getters: that is the moment at
 * which the context counts. Nothing of `Worker` has to be replaced, and it holds for `SHARE_ENV` too.
 */
function handToThreads(carried: () => Variables): () => void {
  const before = getEnvironmentData(CARRIER_KEY);
  const carrier = {
    get variables() {
      return carried();
    },
    parent: OWN_TRACEPARENT,
  } satisfies ThreadCarrier;
  setEnvironmentData(CARRIER_KEY, carrier);
  return () => setEnvironmentData(CARRIER_KEY, before);
}
