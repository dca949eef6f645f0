import path from 'node:path';
import { existsSync } from '../tree/files.ts';

type Environment = Readonly<NodeJS.ProcessEnv>;

const ENDINGS = ['.yaml', '.json'];

/** The first of the usual places where there is a file that this user may see; the rest is not looked at. */
export function findConfiguration(env: Environment): string | undefined {
  return usualPlaces(env).find((file) => existsSync(file));
}

/** In the order of the search; `MSC_CONFIG` is not among them, because it names one that has to be there. */
export function usualPlaces(env: Environment): string[] {
  const { HOME: home, XDG_CONFIG_HOME: own, XDG_CONFIG_DIRS: shared } = env;
  const places = [
    ...absolute(own).map((directory) => path.join(directory, 'msc', 'config')),
    ...absolute(home).flatMap((directory) => [
      path.join(directory, '.msc_config'),
      path.join(directory, '.config', 'msc', 'config'),
    ]),
    ...absolute(...(shared || '/etc/xdg').split(path.delimiter)).map((directory) =>
      path.join(directory, 'msc', 'config'),
    ),
    '/etc/msc_config',
  ];
  return places.flatMap((place) => ENDINGS.map((ending) => place + ending));
}

/** As the XDG specification has it, those that are not absolute do not count. */
function absolute(...candidates: (string | undefined)[]): string[] {
  return candidates
    .filter((directory) => directory !== undefined)
    .filter((directory) => path.isAbsolute(directory));
}
