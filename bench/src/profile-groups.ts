/**
 * Where the time of a CPU profile goes, by the product's folders.
 *
 * In: a profile as V8 writes it. Out: microseconds by group. Built-in functions without a place of their own count for whoever
 * called them; waiting counts for nobody.
 */

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Ids of nodes, each for the time at its position in `timeDeltas`. */
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

/** By the beginning of a `node:` URL without its `internal/`. */
const NODE_GROUPS: readonly (readonly [RegExp, string])[] = [
  [/^(net|stream|_http|http|_stream|streams|url|dns|tls|undici)/, 'sockets and HTTP'],
  [/^(fs|process\/fs)/, 'files'],
  [/^(zlib|crypto)/, 'zlib and CRC'],
  [/^process\/per_thread/, 'clock'],
  [/^buffer/, 'buffers'],
  [/^(timers|process\/task_queues|process\/promises|async_hooks|child_process|ipc)/, 'event loop'],
];

const WAITING = '(idle)';

/** The group of a function; `undefined` where it has no place of its own. */
export function groupOf(functionName: string, url: string): string | undefined {
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === '(program)') return 'native code and system calls';
  // The profiler is none of ours.
  if (functionName === WAITING || url === 'node:inspector') return WAITING;
  if (url.startsWith('node:')) {
    const module = url.slice('node:'.length).replace(/^internal\//, '');
    return NODE_GROUPS.find(([pattern]) => pattern.test(module))?.[1] ?? 'Node.js';
  }
  if (url.includes('/bench/dist/')) return 'the program itself';
  const folder = /\/telemetry\/dist\/src\/(?:([a-z-]+)\/)?/.exec(url);
  if (folder !== null) return folder[1] ?? 'record';
  return url === '' ? undefined : 'Node.js';
}

/** Microseconds by group, the largest first; what waited is left out. */
export function timeByGroup({ nodes, samples, timeDeltas }: CpuProfile): [group: string, micros: number][] {
  const groups = new Map<number, string>();
  const known = new Map(nodes.map((node) => [node.id, node]));
  const assign = (id: number, inherited: string): void => {
    const node = known.get(id);
    if (node === undefined) return;
    const { functionName, url } = node.callFrame;
    const group = groupOf(functionName, url) ?? inherited;
    groups.set(id, group);
    for (const child of node.children ?? []) assign(child, group);
  };
  if (nodes.length > 0) assign(nodes[0].id, 'native code and system calls');
  const micros = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const group = groups.get(id) ?? WAITING;
    if (group !== WAITING) micros.set(group, (micros.get(group) ?? 0) + timeDeltas[index]);
  }
  return [...micros].toSorted((a, b) => b[1] - a[1]);
}
