/**
 * The build step after `tsc -b`: bundles `dist/src` into what Node loads, as a hundred small modules take five times as long.
 *
 *   dist/lib/core.js      the modules behind the package's main entry, in one file
 *   dist/lib/*.js         the entries, and what is loaded later; the modules of core.js are imported, never copied
 *   dist/server/main.js   the server's process
 *
 * Node's own modules are taken by `process.getBuiltinModule`: an import statement also loads whatever their getters load
 * (5 ms for `node:fs`, 4 ms for `node:crypto`). Does nothing where the bundles are newer than what they are made of.
 * On failure: exits with what esbuild says, and the next run begins anew.
 */
import { globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

/** Modules by their path in `dist/src`, each with the names that it exports. */
type Modules = ReadonlyMap<string, readonly string[]>;

const DIST = path.join(import.meta.dirname, 'dist');
const SOURCE = path.join(DIST, 'src');
/** Written last. */
const STAMP = path.join(DIST, 'bundled');

const MAIN = 'index.js';
/** The other entries, by the name of their file in `dist/lib`. */
const ENTRIES = { config: 'config/index.js', reader: 'readers/diperiodic.js', serve: 'server/serve.js' };

const COMMON = {
  absWorkingDir: SOURCE,
  format: 'esm',
  platform: 'node',
  target: 'node22.15',
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
  metafile: true,
} as const satisfies BuildOptions;
const BUNDLED = { ...COMMON, bundle: true, packages: 'external' } as const satisfies BuildOptions;

const sources = globSync('**/*.js', { cwd: SOURCE });

const changedAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const inputs = [import.meta.filename, ...sources.map((file) => path.join(SOURCE, file))];
if (inputs.some((file) => changedAt(file) >= changedAt(STAMP))) await bundle();

async function bundle(): Promise<void> {
  for (const name of ['lib', 'server', 'bundled'])
    rmSync(path.join(DIST, name), { recursive: true, force: true });
  const builtins = builtinModules();
  const core = await modulesBehind(MAIN);
  const exported = [...core].map(([file, names]) =>
    reexport(names, (name) => [name, inCore(file, name)], file),
  );
  await build({
    ...BUNDLED,
    stdin: { contents: exported.join('\n'), resolveDir: SOURCE },
    outfile: path.join(DIST, 'lib/core.js'),
    plugins: [builtins, dynamicEntries()],
  });
  const entryPoints = { index: MAIN, ...ENTRIES };
  const lib = { ...BUNDLED, entryPoints, splitting: true, outdir: path.join(DIST, 'lib') };
  await build({ ...lib, plugins: [builtins, fromCore(core)] });
  await build({
    ...BUNDLED,
    entryPoints: ['server/main.js'],
    outdir: path.join(DIST, 'server'),
    format: 'cjs',
    plugins: [builtins],
  });
  writeFileSync(path.join(DIST, 'server/package.json'), '{ "type": "commonjs" }\n');
  writeFileSync(STAMP, '');
}

/** What an entry imports, and what that imports, and so on; not what it imports dynamically. */
async function modulesBehind(entry: string): Promise<Modules> {
  const options = { ...COMMON, write: false } as const;
  const [graph, each] = await Promise.all([
    build({ ...BUNDLED, ...options, entryPoints: [entry], splitting: true, outdir: DIST }),
    build({ ...options, entryPoints: sources, outdir: SOURCE }),
  ]);
  const found = new Set([entry]);
  for (const file of found) {
    for (const { kind, path: imported, external } of graph.metafile.inputs[file].imports) {
      if (kind === 'import-statement' && external !== true) found.add(imported);
    }
  }
  return new Map(Array.from(found, (file) => [file, each.metafile.outputs[file].exports]));
}

/** In core.js every name stands beside those of all other modules. */
function inCore(file: string, name: string): string {
  return `${file.slice(0, -3).replaceAll(/\W/g, '_')}$${name}`;
}

function reexport(
  names: readonly string[],
  rename: (name: string) => [from: string, to: string],
  file: string,
): string {
  return `export { ${names.map((name) => rename(name).join(' as ')).join(', ')} } from './${file}';`;
}

/** Of the files beside core.js: they take its modules from there. */
function fromCore(core: Modules): Plugin {
  return {
    name: 'core',
    setup(bundler) {
      bundler.onResolve({ filter: /^\.\.?\// }, ({ path: imported, resolveDir, namespace }) => {
        if (namespace === 'core') return { path: imported, external: true };
        const file = inSource(resolveDir, imported);
        return core.has(file) ? { path: file, namespace: 'core', sideEffects: false } : undefined;
      });
      bundler.onLoad({ filter: /./, namespace: 'core' }, ({ path: file }) => ({
        contents: reexport(core.get(file) ?? [], (name) => [inCore(file, name), name], 'core.js'),
      }));
    },
  };
}

/** Of core.js: what it imports dynamically is an entry. */
function dynamicEntries(): Plugin {
  const names = new Map(Object.entries(ENTRIES).map(([name, file]) => [file, name]));
  return {
    name: 'entries',
    setup(bundler) {
      bundler.onResolve({ filter: /^\.\.?\// }, ({ kind, path: imported, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const name = names.get(inSource(resolveDir, imported));
        return name === undefined
          ? { errors: [{ text: `${imported} is imported dynamically, and no entry` }] }
          : { path: `./${name}.js`, external: true };
      });
    },
  };
}

function inSource(directory: string, imported: string): string {
  return path.relative(SOURCE, path.resolve(directory, imported)).replaceAll(path.sep, '/');
}

/** Node's own modules, with the names that are imported of them: a bundle must not ask for all. */
function builtinModules(): Plugin {
  const imported = new Map<string, Set<string>>();
  const statement = /^import (?:\w+, )?\{([^}]*)\} from '(node:[\w/]+)'/gm;
  for (const file of sources) {
    for (const [, list, module] of readFileSync(path.join(SOURCE, file), 'utf8').matchAll(statement)) {
      const names = imported.get(module) ?? new Set();
      imported.set(module, names);
      for (const [, name] of list.matchAll(/(\w+)(?: as \w+)?/g)) names.add(name);
    }
  }
  return {
    name: 'builtins',
    setup(bundler) {
      bundler.onResolve({ filter: /^node:/ }, ({ kind, path: module }) =>
        kind === 'import-statement' ? { path: module, namespace: 'builtin', sideEffects: false } : undefined,
      );
      bundler.onLoad({ filter: /./, namespace: 'builtin' }, ({ path: module }) => ({
        contents: [
          `const module = process.getBuiltinModule('${module}');`,
          'export default module;',
          ...Array.from(imported.get(module) ?? [], (name) => `export const ${name} = module.${name};`),
        ].join('\n'),
      }));
    },
  };
}
