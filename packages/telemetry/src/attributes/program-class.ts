/**
 * An attributes provider that is a class of the program: `module#Class`.
 *
 * In: its configuration, with the module resolved. Out: an instance. Loaded with `require`, as recording is synchronous;
 * an ES module can be loaded so unless it, or what it imports, awaits at its top level.
 * On failure: throws, with a message for the user.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { AttributesProviderConfig } from '../config/signals.ts';
import { show } from '../errors.ts';
import { isRecord } from '../exporters/json.ts';
import { constructClass } from '../exporters/program-module.ts';
import type { AttributesProvider } from './provider.ts';

export function constructProvider(config: AttributesProviderConfig): AttributesProvider {
  if (config.module === undefined) throw new Error('its module was not resolved');
  const provider = constructClass(config, load(config.module));
  if (isProvider(provider)) return provider;
  throw new Error(`got ${show(provider)}, expected an object with the method attributes()`);
}

function load(module: string): unknown {
  try {
    return createRequire(module)(fileURLToPath(module));
  } catch (error) {
    if (isRecord(error) && error['code'] === 'ERR_REQUIRE_ASYNC_MODULE') {
      throw new Error(`${module} awaits at its top level, but attributes are needed synchronously`, {
        cause: error,
      });
    }
    throw error;
  }
}

function isProvider(value: unknown): value is AttributesProvider {
  return isRecord(value) && typeof value['attributes'] === 'function';
}
