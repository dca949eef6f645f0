/**
 * FileHandles: their methods are replaced by a prototype between the handle and its own, so the handle stays the same
 * object, transferable and an `instanceof` its class.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Operations } from '@multistorageclient/telemetry';
import { unlessByNode } from './caller.ts';
import { type Fn, promising, streaming } from './conventions.ts';
import { ofHandle, ofStreams } from './observations.ts';

/** Returns a function that makes a handle record its operations, and returns it. */
export function handleObserver(operations: Operations): (handle: FileHandle) => FileHandle {
  const prototypes = new WeakMap<object, object>();
  return (handle) => {
    const base: object = Object.getPrototypeOf(handle);
    let observed = prototypes.get(base);
    if (observed === undefined) {
      const created: object = Object.create(base, methods(operations, base));
      prototypes.set(base, created);
      observed = created;
    }
    return Object.setPrototypeOf(handle, observed);
  };
}

function methods(operations: Operations, base: object): PropertyDescriptorMap {
  const descriptors: PropertyDescriptorMap = {};
  const replace = (name: string, wrap: (original: Fn) => Fn): void => {
    const original: Fn | undefined = Reflect.get(base, name);
    if (original !== undefined)
      descriptors[name] = { configurable: true, writable: true, value: wrap(original) };
  };
  // A stream over a handle reads and writes through the handle's own methods.
  for (const [name, observation] of Object.entries(ofHandle))
    replace(name, (original) => unlessByNode(original, promising(operations, observation, original)));
  for (const [name, observation] of Object.entries(ofStreams))
    replace(name, (original) => streaming(operations, observation, original));
  return descriptors;
}
