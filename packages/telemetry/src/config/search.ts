import { statSync } from 'node:fs';
import path from 'node:path';

type Environment = Readonly<NodeJS.ProcessEnv>;

const ENDINGS = ['.yaml', '.json'];

/** The first of the usual places where there is a configuration file; the rest is not looked at. */
export function findConfiguration(env: Environment): string | undefined {
  return usualPlaces(env).find(exists);
}

/** In the order of the search; `MSC_CONFIG` is not among them, because it names one that has to be there. */
export function usualPlaces(env: Environment): string[] {
  const { HOME: home, XDG_CONFIG_HOME: own, XDG_CONFIG_DIRS: shared } = env;
  const places = [
    ...directories(own).map((directory) => path.join(directory, 'msc', 'config')),
    ...directories(home).flatMap((directory) => [
      path.join(directory, '.msc_config'),
      path.join(directory, '.config', 'msc', 'config'),
    ]),
    ...directories(shared || '/etc/xdg').map((directory) => path.join(directory, 'msc', 'config')),
    '/etc/msc_config',
  ];
  return places.flatMap((place) => ENDINGS.map((ending) => place + ending));
}

/** As the XDG specification has it, those that are not absolute do not count. */
function directories(list = ''): string[] {
  return list.split(path.delimiter).filter((directory) => path.isAbsolute(directory));
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
