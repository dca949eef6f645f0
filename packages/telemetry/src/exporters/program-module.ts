/**
 * Modules of the program (exporters, attributes providers), found here and loaded in the telemetry server.
 *
 * In: what a configuration names, as `module#Class`. Out: the file URL that the program would import; later an instance.
 * Invariant: finding a module does not run it, and looks from the program first, so that the server loads the same file.
 * On failure: the error of the first place that was searched; an Error where the module has no such class.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ExporterConfig } from './exporter.ts';
import { isRecord, parseJson } from './json.ts';

/** Conditions under which Node imports a package; `require` is absent because the module will be imported. */
const CONDITIONS = new Set(['node', 'import', 'module-sync', 'node-addons', 'default']);

/**
 * File URL of a module as the program would import it, without loading it.
 *
 * @param specifier a package (`pkg`, `@scope/pkg/sub`), a path (relative to the program's file) or a file URL.
 * @param program path or file URL to resolve from; default: the running program, then the working directory.
 * @throws Error where nothing is found, with the reason for the first place that was searched.
 */
export function locateModule(specifier: string, program?: string): string {
  const target = specifier.startsWith('file:') ? fileURLToPath(specifier) : specifier;
  const bases = program === undefined ? defaultBases() : [program];
  const failures: unknown[] = [];
  for (const base of bases) {
    try {
      return pathToFileURL(resolveFrom(base, target)).href;
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

function defaultBases(): string[] {
  const here = join(process.cwd(), 'program.js');
  const program = process.argv[1];
  if (program === undefined || !isAbsolute(program)) return [here];
  try {
    // A global command is a symbolic link away from its own dependencies.
    return [realpathSync(program), here];
  } catch {
    return [program, here];
  }
}

function resolveFrom(base: string, target: string): string {
  const require = createRequire(base);
  let file: string;
  try {
    file = require.resolve(target);
  } catch (error) {
    if (!isRecord(error) || error['code'] !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    const imported = resolveImportOnly(require, target);
    if (imported === undefined) throw error;
    file = imported;
  }
  if (!isAbsolute(file)) throw new Error(`${target} is a module of Node.js itself`);
  return file;
}

/**
 * `require.resolve` does not see packages that are exported under the condition `import` alone, and resolving as an
 * import from elsewhere has no stable interface: look the one entry up by hand.
 */
function resolveImportOnly(require: NodeJS.Require, target: string): string | undefined {
  const [name] = /^(@[^/]+\/)?[^/]+/.exec(target) ?? [];
  if (name === undefined) return undefined;
  for (const directory of require.resolve.paths(name) ?? []) {
    let manifest: unknown;
    try {
      manifest = parseJson(readFileSync(join(directory, name, 'package.json'), 'utf8'));
    } catch {
      continue;
    }
    const entries = asEntries(isRecord(manifest) ? manifest['exports'] : undefined);
    const file = pick(entries[`.${target.slice(name.length)}`]);
    return file === undefined ? undefined : require.resolve(join(directory, name, file));
  }
  return undefined;
}

function asEntries(exported: unknown): Readonly<Record<string, unknown>> {
  const hasSubpaths = isRecord(exported) && Object.keys(exported).some((key) => key.startsWith('.'));
  return hasSubpaths ? exported : { '.': exported };
}

function pick(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  if (!isRecord(target)) return undefined;
  for (const [condition, inner] of Object.entries(target)) {
    const file = Array.isArray(target) || CONDITIONS.has(condition) ? pick(inner) : undefined;
    if (file !== undefined) return file;
  }
  return undefined;
}

/**
 * An instance of the class that `module#Class` names, out of the loaded module.
 * @throws Error where the module has no such class, and whatever its constructor throws.
 */
export function constructClass(
  { type, options, module }: Pick<ExporterConfig, 'type' | 'options' | 'module'>,
  loaded: unknown,
): unknown {
  const name = classNameOf(type);
  const found = member(loaded, name) ?? member(member(loaded, 'default'), name);
  if (typeof found !== 'function') throw new Error(`${module} exports no class ${name}`);
  return Reflect.construct(found, [options]);
}

export function classNameOf(type: string): string {
  return type.slice(type.lastIndexOf('#') + 1);
}

/** A CommonJS module shows its names only inside `default` where they cannot be found without running it. */
function member(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}
