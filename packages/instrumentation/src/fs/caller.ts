/**
 * Tells the program's calls from those that Node's implementation makes by itself.
 *
 * Node uses its own public functions: `appendFile` calls `writeFile`, `realpath` calls `lstat`, `rm` and `cp` use half
 * of the module, many turns later; `require` and `import` read files; a stream over a FileHandle uses its methods. A
 * flag or an async context would have to be lifted again in each of the program's callbacks in between (`filter` of
 * `cp`, listeners of a stream). The immediate caller needs no state: a call counts unless a script that implements
 * node:fs, the module loader or source maps made it, or the telemetry itself. `promisify`, timers, events and the rest
 * of Node call what a program gave them, so what they call counts.
 */
import util from 'node:util';
import { type Fn, likeOriginal } from './conventions.ts';

const OWN_SCRIPTS: readonly string[] = [
  'node:fs',
  'node:internal/fs/',
  'node:internal/modules/',
  'node:internal/source_map/',
  ...telemetryScripts(),
];

const AS_THEY_RUN = { sourceMap: false };

const ON = { off: false };

const beneath = new WeakMap<Fn, Fn>();

/** What there was before any layer of observation: one call of ours or of Node's counts in none of them. */
export function bare<F extends Fn>(fn: F): F;
export function bare(fn: Fn): Fn {
  return beneath.get(fn) ?? fn;
}

/** `original` where Node itself or the telemetry calls, and while `switched.off`; `observed` for everybody else. */
export function unlessByNode(original: Fn, observed: Fn, switched: { readonly off: boolean } = ON): Fn {
  const untouched = bare(original);
  const standIn = likeOriginal(observed, function (this: unknown, ...args) {
    if (switched.off) return Reflect.apply(original, this, args);
    // In here and not in a function of its own: every frame that is looked at costs about 1 µs.
    const caller = util.getCallSites(2, AS_THEY_RUN)[1]?.scriptName ?? '';
    const own = OWN_SCRIPTS.some((script) => caller.startsWith(script));
    return Reflect.apply(own ? untouched : observed, this, args);
  });
  beneath.set(standIn, untouched);
  return standIn;
}

/** The telemetry's folder; none where it was bundled into the program. */
function telemetryScripts(): string[] {
  try {
    return [new URL('.', import.meta.resolve('@multistorageclient/telemetry')).href];
  } catch {
    return [];
  }
}
