/**
 * The build step after `tsc -b`: bundles `dist/src` into what Node loads, as a hundred small modules take ten times as long.
 *
 *   dist/lib/core.js        what `init` needs: what the package's main entry imports, in one file
 *   dist/lib/recording.js   what the first meter needs beside it
 *   dist/lib/*.js           the other entries, and what else is loaded when it is first used
 *   dist/server/main.js     the server's process
 *
 * A module is in one file of `dist/lib`; the others import it from there. Node's own modules are taken by
 * `process.getBuiltinModule`: an import statement also loads whatever their getters load (5 ms for `node:fs`).
 * Does nothing where the bundles are newer than what they are made of. On failure: exits with what esbuild says, and the next
 * run begins anew.
 */
import { globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const DIST = path.join(import.meta.dirname, 'dist');
const SOURCE = path.join(DIST, 'src');
const LIB = path.join(DIST, 'lib');
const SERVER = path.join(DIST, 'server');
/** Written last. */
const STAMP = path.join(DIST, 'bundled');

const MAIN = 'index.js';
/** The other entries, by the name of their file in `dist/lib`. */
const ENTRIES = { config: 'config/index.js', reader: 'readers/diperiodic.js', serve: 'server/serve.js' };
/**
 * What core.js does not import but loads at the first call of one of its functions, by the name of the file in `dist/lib`.
 * core.js can take nothing but functions from these modules.
 */
const LATE = {
  recording: [
    'recording.js',
    'config/metrics.js',
    'config/default.js',
    'config/section.js',
    'config/digest.js',
  ],
  files: ['config/load.js'],
  link: ['link/listen-tree.js', 'link/secret.js'],
  memory: ['tree/memory-files.js'],
  status: ['server/status.js'],
  traces: ['traces/recording.js', 'config/traces.js'],
};
/** Of Node's modules, those that nothing before the first meter needs; functions only, too. */
const LATE_BUILTINS = ['node:crypto', 'node:zlib'];

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

/** A file of `dist/src`. */
interface Module {
  readonly text: string;
  readonly exports: readonly string[];
  /** What it imports statically. */
  readonly imports: readonly string[];
}

const files = globSync('**/*.js', { cwd: SOURCE });
const changedAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const inputs = [import.meta.filename, ...files.map((file) => path.join(SOURCE, file))];
if (inputs.every((file) => changedAt(file) < changedAt(STAMP))) process.exit();

for (const place of [LIB, SERVER, STAMP]) rmSync(place, { recursive: true, force: true });
const modules = await readModules();
const imported = importedOfBuiltins();
const late = new Map(Object.entries(LATE).flatMap(([name, group]) => group.map((file) => [file, name])));
/** The file of `dist/lib` that has a module, where it is one of the first two. */
const homes = new Map<string, string>();
await bundleShare('core', behind([MAIN], late));
await bundleShare('recording', behind(LATE.recording, homes));
await bundleRest();
await bundleServer();
writeFileSync(STAMP, '');

async function bundleShare(name: string, members: ReadonlySet<string>): Promise<void> {
  for (const file of members) homes.set(file, name);
  await build({
    ...BUNDLED,
    stdin: { contents: exportsOf(members), resolveDir: SOURCE },
    outfile: path.join(LIB, `${name}.js`),
    plugins: [builtins(LATE_BUILTINS), library(name)],
  });
}

/** Entries, and what is loaded late. What several of them need is in files of its own. */
async function bundleRest(): Promise<void> {
  const groups = Object.keys(LATE).filter((name) => name !== 'recording');
  await build({
    ...BUNDLED,
    entryPoints: {
      index: MAIN,
      ...ENTRIES,
      ...Object.fromEntries(groups.map((name) => [name, `late:${name}`])),
    },
    outdir: LIB,
    splitting: true,
    plugins: [builtins([]), library('')],
  });
}

/** In one file, in which what exporters need is evaluated when they are loaded. */
async function bundleServer(): Promise<void> {
  const entryPoints = ['server/main.js'];
  await build({ ...BUNDLED, format: 'cjs', entryPoints, outdir: SERVER, plugins: [builtins([])] });
  writeFileSync(path.join(SERVER, 'package.json'), '{ "type": "commonjs" }\n');
}

async function readModules(): Promise<ReadonlyMap<string, Module>> {
  const options = { ...COMMON, entryPoints: files, outdir: SOURCE, write: false } as const;
  const [each, graph] = await Promise.all([
    build(options),
    build({ ...options, bundle: true, packages: 'external', splitting: true }),
  ]);
  const read = (file: string): Module => ({
    text: readFileSync(path.join(SOURCE, file), 'utf8'),
    exports: each.metafile.outputs[file].exports,
    imports: graph.metafile.inputs[file].imports
      .filter(({ kind, external }) => kind === 'import-statement' && external !== true)
      .map((statement) => statement.path),
  });
  return new Map(files.map((file) => [file, read(file)]));
}

/** What some modules import, and what that imports, and so on, without what is elsewhere. */
function behind(entries: readonly string[], others: ReadonlyMap<string, string>): Set<string> {
  const found = new Set(entries.filter((file) => !homes.has(file)));
  for (const file of found) {
    for (const next of modules.get(file)?.imports ?? []) if (!others.has(next)) found.add(next);
  }
  return found;
}

/** In a file of many modules, names stand beside those of the others. */
function inFile(file: string, name: string): string {
  return `${file.slice(0, -3).replaceAll(/\W/g, '_')}$${name}`;
}

/** Exports everything that modules export. */
function exportsOf(members: Iterable<string>): string {
  return Array.from(members, (file) => {
    const names = modules.get(file)?.exports.map((name) => `${name} as ${inFile(file, name)}`);
    return `export { ${names?.join(', ')} } from './${file}';`;
  }).join('\n');
}

/** For whoever imports a module that a file of `dist/lib` has. */
function exportedBy(home: string, file: string): string {
  const names = modules.get(file)?.exports.map((name) => `${inFile(file, name)} as ${name}`);
  return `export { ${names?.join(', ')} } from './${home}.js';`;
}

/** For core.js: functions that load the file when they are called. */
function loadedBy(home: string, file: string): string {
  const names = modules.get(file)?.text.matchAll(/^export (?:async )?function (\w+)/gm) ?? [];
  const calls = Array.from(
    names,
    ([, name]) => `export const ${name} = (...values) => load().${inFile(file, name)}(...values);`,
  );
  return [`import { load } from 'loader:${home}';`, ...calls].join('\n');
}

function loaderOf(home: string): string {
  const load = `process.getBuiltinModule('node:module').createRequire(import.meta.url)('./${home}.js')`;
  return `let loaded; export const load = () => (loaded ??= ${load});`;
}

/** Takes modules from the file of `dist/lib` that has them. `self` is the file that is being made, where it is one. */
function library(self: string): Plugin {
  const entries = new Map(Object.entries(ENTRIES).map(([name, file]) => [file, name]));
  return {
    name: 'library',
    setup(bundler) {
      bundler.onResolve({ filter: /^late:/ }, ({ path: name }) => ({ path: name, namespace: 'late' }));
      bundler.onLoad({ filter: /./, namespace: 'late' }, ({ path: name }) => ({
        contents: exportsOf([...late].filter(([, group]) => `late:${group}` === name).map(([file]) => file)),
        resolveDir: SOURCE,
      }));
      bundler.onResolve({ filter: /^\.\.?\// }, ({ kind, namespace, path: target, resolveDir }) => {
        if (namespace === 'elsewhere') return { path: target, external: true };
        const file = path.relative(SOURCE, path.resolve(resolveDir, target)).replaceAll(path.sep, '/');
        const home = homes.get(file);
        if (kind === 'dynamic-import' && self !== '') {
          return { path: `./${entries.get(file)}.js`, external: true };
        }
        const isElsewhere = home !== self && (home !== undefined || (self === 'core' && late.has(file)));
        return isElsewhere ? { path: file, namespace: 'elsewhere', sideEffects: false } : undefined;
      });
      bundler.onLoad({ filter: /./, namespace: 'elsewhere' }, ({ path: file }) => {
        const home = homes.get(file) ?? late.get(file) ?? '';
        return { contents: self === 'core' ? loadedBy(home, file) : exportedBy(home, file) };
      });
      bundler.onResolve({ filter: /^loader:/ }, ({ path: loader }) => ({
        path: loader,
        namespace: 'loader',
      }));
      bundler.onLoad({ filter: /./, namespace: 'loader' }, ({ path: loader }) => ({
        contents: loaderOf(loader.slice('loader:'.length)),
      }));
    },
  };
}

/** What is imported of each of Node's modules: a bundle must not ask for all. */
function importedOfBuiltins(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { text } of modules.values()) {
    for (const [, list, module] of text.matchAll(/^import (?:\w+, )?\{([^}]*)\} from '(node:[\w/]+)'/gm)) {
      const names = found.get(module) ?? new Set();
      found.set(module, names);
      for (const [, name] of list.matchAll(/(\w+)(?: as \w+)?/g)) names.add(name);
    }
  }
  return found;
}

function builtins(loadedLate: readonly string[]): Plugin {
  return {
    name: 'builtins',
    setup(bundler) {
      bundler.onResolve({ filter: /^node:/ }, ({ kind, path: module }) =>
        kind === 'import-statement' ? { path: module, namespace: 'builtin', sideEffects: false } : undefined,
      );
      bundler.onLoad({ filter: /./, namespace: 'builtin' }, ({ path: module }) => {
        const names = [...(imported.get(module) ?? [])];
        const get = `process.getBuiltinModule('${module}')`;
        const contents = loadedLate.includes(module)
          ? [
              'let loaded;',
              ...names.map(
                (name) => `export const ${name} = (...values) => (loaded ??= ${get}).${name}(...values);`,
              ),
            ]
          : [
              `const loaded = ${get};`,
              'export default loaded;',
              ...names.map((name) => `export const ${name} = loaded.${name};`),
            ];
        return { contents: contents.join('\n') };
      });
    },
  };
}
