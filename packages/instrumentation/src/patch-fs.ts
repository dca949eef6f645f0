/**
 * node:fs, observed in place: for programs that are not to be changed.
 *
 * In: where operations go. Out: `node:fs` and `node:fs/promises` whose functions record, for `require` and for every
 * kind of `import`, and a function that undoes it.
 * Invariant: one call of the program is one operation; what Node and the telemetry call for themselves is none.
 * On failure: as in `fs.ts`; nothing of the program's is swallowed.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { Operations } from '@multistorageclient/telemetry';
import { unlessByNode } from './fs/caller.ts';
import type { Fn } from './fs/conventions.ts';
import { observedFunctions } from './fs.ts';

/**
 * Replaces the functions of `node:fs` and `node:fs/promises` by ones that record what the program does with them. What
 * was taken out of the modules before (`const { readFile } = require('fs')`) is not replaced. Returns a function that
 * ends it: only FileHandles and streams that are open by then still record, and every function is put back that nobody
 * else has replaced since.
 */
export function patchFs(operations: Operations): () => void {
  const { functions, promises } = observedFunctions(operations, fs);
  const switched = { off: false };
  const putBack = [...replace(fs, functions, switched), ...replace(fs.promises, promises, switched)];
  syncBuiltinESMExports();
  return () => {
    switched.off = true;
    for (const step of putBack) step();
    syncBuiltinESMExports();
  };
}

function replace(
  module: object,
  functions: ReadonlyMap<string, Fn>,
  switched: { readonly off: boolean },
): (() => void)[] {
  return Array.from(functions, ([name, observed]) => {
    const original: Fn = Reflect.get(module, name);
    const patched = unlessByNode(original, observed, switched);
    Reflect.set(module, name, patched);
    return () => {
      if (Reflect.get(module, name) === patched) Reflect.set(module, name, original);
    };
  });
}
