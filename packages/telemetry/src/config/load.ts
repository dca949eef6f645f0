/**
 * The configuration of a program: a file, what it includes, and the environment in it.
 *
 * In: a path, or where to search for one; or an object. Out: one frozen configuration, valid but for what only the program
 * itself can tell: whether its exporters and classes can be had.
 * Invariant: the sections that are not about telemetry come through as they are, for the expressions of attributes.
 * On failure: one TelemetryError with every problem of every file.
 */
import path from 'node:path';
import { invalid, type Problem, type TelemetryError } from '../errors.ts';
import { checkConfiguration } from './check.ts';
import { expand } from './expand.ts';
import { freeze } from './freeze.ts';
import { merge, type Document, type Location } from './merge.ts';
import { readDocument } from './read.ts';
import { isObject } from './object.ts';
import { inside, refuse, type Place } from './schema.ts';
import { findConfiguration } from './search.ts';
import { withoutSecrets } from './secrets.ts';
import { CONFIGURATION, INCLUDE } from './sections.ts';
import { nearest } from './text.ts';

type Environment = Readonly<NodeJS.ProcessEnv>;

export interface LoadedConfiguration {
  /** Absolute; `undefined` for an object. */
  readonly path: string | undefined;
  /** All that was read, absolute, in order. */
  readonly files: readonly string[];
  /** Without `include`. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** File and line of a path such as `opentelemetry.metrics.exporter`, or else of what it is a part of. */
  locate(path: string): Location;
}

/** Where a variable has to be set. */
const STRICT = /^(opentelemetry|include)([.[]|$)/;

/**
 * Loads an MSC configuration file, with all that it includes. Without a path: the one that `MSC_CONFIG` names, else the
 * first that exists of `$XDG_CONFIG_HOME/msc/config`, `$HOME/.msc_config`, `$HOME/.config/msc/config`, `msc/config` in each of
 * `$XDG_CONFIG_DIRS` (default `/etc/xdg`) and `/etc/msc_config`, each as `.yaml`, then as `.json`; `undefined` where there is none.
 *
 * @throws TelemetryError `MSC_CONFIGURATION_UNREADABLE` where a file is missing, too large (1 MiB) or has wrong syntax;
 *   `MSC_CONFIGURATION_INVALID` where its content is wrong. Either way with every problem, its file and its line.
 */
export function loadConfiguration(
  file?: string,
  env: Environment = process.env,
): LoadedConfiguration | undefined {
  const named = file ?? (env['MSC_CONFIG'] || findConfiguration(env));
  if (named === undefined) return undefined;
  const unreadable: Problem[] = [];
  const document = readDocument(path.resolve(named), unreadable);
  if (document === undefined) throw cannotBeRead(unreadable);
  return assemble(document, env);
}

/**
 * A configuration that a program passes as an object; `include` is relative to the working directory.
 * @throws TelemetryError as `loadConfiguration` does.
 */
export function configurationOf(
  value: Readonly<Record<string, unknown>>,
  env: Environment,
): LoadedConfiguration {
  return assemble({ file: undefined, value, lines: new Map() }, env);
}

function assemble(main: Document, env: Environment): LoadedConfiguration {
  const unreadable: Problem[] = [];
  const problems: Problem[] = [];
  const documents = [main, ...includedBy(main, env, unreadable, problems)];
  if (unreadable.length > 0) throw cannotBeRead(unreadable);
  const expanded = documents.map((document) => expandDocument(document, env, problems));
  const { configuration, locate } = merge(expanded, problems);
  const place: Place = { path: '', section: 'configuration', problems: [] };
  CONFIGURATION.read(configuration, place);
  problems.push(...place.problems.map((problem) => ({ ...problem, ...locate(problem.path) })));
  const files = documents.flatMap(({ file }) => file ?? []);
  const loaded = Object.freeze({
    path: main.file,
    files: freeze(files),
    configuration: freeze(configuration),
    locate,
  });
  if (problems.length === 0) return loaded;
  // What would be found only later is wrong as well.
  const known = new Set(problems.map((problem) => problem.path));
  const later = checkConfiguration(loaded, env).problems.filter((problem) => !known.has(problem.path));
  const all = [...problems, ...later].map(withoutSecrets);
  throw invalid('MSC_CONFIGURATION_INVALID', 'configuration is invalid', all);
}

function includedBy(
  main: Document,
  env: Environment,
  unreadable: Problem[],
  problems: Problem[],
): readonly Document[] {
  const { include = [] } = main.value;
  const place: Place = { path: 'include', section: 'configuration', problems: [] };
  const paths = INCLUDE.read(expand(include, { env, strict: STRICT }, place), place) ?? [];
  const files = paths.map(
    (one) => one && path.resolve(main.file === undefined ? '' : path.dirname(main.file), one),
  );
  const documents = files.flatMap((file, index): Document[] => {
    if (file === undefined) return [];
    if (file === main.file || files.indexOf(file) < index) {
      refuse(inside(place, index), file, 'every file once');
      return [];
    }
    const document = readDocument(file, unreadable);
    if (document === undefined) return [];
    const nested = document.value['include'];
    if (nested !== undefined)
      problems.push(
        inDocument(document)({
          path: 'include',
          value: nested,
          expected: 'no include in a file that is included',
        }),
      );
    return [document];
  });
  problems.push(...place.problems.map(inDocument(main)));
  return documents;
}

/** Without `include`, which has been followed. */
function expandDocument(document: Document, env: Environment, problems: Problem[]): Document {
  const { include: _, ...value } = document.value;
  const place: Place = { path: '', section: 'configuration', problems: [] };
  const expanded = expand(value, { env, strict: STRICT }, place);
  problems.push(...place.problems.map(inDocument(document)));
  return { ...document, value: isObject(expanded) ? expanded : {} };
}

/** Says of a problem where in a document it is. */
function inDocument({ file, lines }: Document): (problem: Problem) => Problem {
  return (problem) => {
    const line = nearest(lines, problem.path);
    return {
      ...problem,
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
    };
  };
}

function cannotBeRead(problems: readonly Problem[]): TelemetryError {
  return invalid('MSC_CONFIGURATION_UNREADABLE', 'configuration cannot be read', problems);
}
