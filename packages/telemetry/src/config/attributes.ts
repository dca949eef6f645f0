/**
 * Attributes providers: from what was written to what a recording thread evaluates.
 *
 * In: providers that were read, the whole configuration, the program. Out: providers that need neither: expressions are
 * evaluated to plain attributes, classes of the program are located, not loaded.
 * On failure: a problem for each that cannot be resolved.
 */
import { locateModule } from '../exporters/program-module.ts';
import { evaluateExpressions } from './expressions.ts';
import { inside, refuse, type Place } from './schema.ts';
import type { GivenProvider } from './sections.ts';
import type { AttributesProviderConfig } from './signals.ts';

/** What a section is resolved with, beside the environment. */
export interface Surroundings {
  /** The whole configuration, which expressions look into; gives `undefined` where there is none. */
  readonly configuration?: () => unknown;
  /** Path or file URL from which `module#Class` is resolved; default: the running program, then the working directory. */
  readonly program?: string;
}

export function resolveAttributes(
  given: readonly (GivenProvider | undefined)[],
  { configuration, program }: Surroundings,
  place: Place,
): readonly AttributesProviderConfig[] {
  return given.flatMap((provider, index): AttributesProviderConfig[] => {
    if (provider === undefined) return [];
    const at = inside(place, index);
    if (provider.type.includes('#')) return locate(provider, program, inside(at, 'type'));
    const config =
      provider.type === 'msc_config'
        ? {
            type: 'static',
            options: {
              attributes: evaluateExpressions(provider.options, configuration, inside(at, 'options')),
            },
          }
        : provider;
    // Whoever gives nothing changes nothing, and so is no part of the configuration.
    return Object.keys(config.options.attributes).length === 0 ? [] : [{ ...config }];
  });
}

function locate(
  { type, options }: AttributesProviderConfig,
  program: string | undefined,
  place: Place,
): AttributesProviderConfig[] {
  try {
    return [{ type, options, module: locateModule(type.slice(0, type.lastIndexOf('#')), program) }];
  } catch (error) {
    const [reason] = String(error).split('\n');
    refuse(place, type, `module#Class with a module that resolves (${reason})`);
    return [];
  }
}
