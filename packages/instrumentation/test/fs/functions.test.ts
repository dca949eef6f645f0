import { inspect, promisify } from 'node:util';
import { pathToFileURL } from 'node:url';
import { describe, it } from 'node:test';
import {
  BINARY_BYTES,
  conforms,
  type FileSystem,
  type Program,
  TEXT,
  TEXT_BYTES,
  WAYS,
} from './conformance.ts';

interface Row {
  /** What is called, as `fs.promises.<call>`, `fs.<call>` and `fs.<call>Sync`. */
  readonly call: string;
  readonly with: (at: (name: string) => string) => unknown[];
  readonly records: string;
  /** The styles that have this call. Default: all. */
  readonly styles?: readonly Style[];
}

type Style = 'promise' | 'callback' | 'promisified' | 'sync';

const ASYNC: readonly Style[] = ['promise', 'callback', 'promisified'];
const NOT_PROMISED: readonly Style[] = ['callback', 'promisified', 'sync'];
const aborted = AbortSignal.abort();
const read = (bytes: number): string => `read success ${bytes}`;
const written = (bytes: number): string => `write success ${bytes}`;

const ROWS: readonly Row[] = [
  { call: 'readFile', with: (at) => [at('text')], records: read(TEXT_BYTES) },
  { call: 'readFile', with: (at) => [at('text'), 'utf8'], records: read(TEXT_BYTES) },
  { call: 'readFile', with: (at) => [at('text'), { encoding: 'latin1' }], records: read(TEXT_BYTES) },
  { call: 'readFile', with: (at) => [at('text'), { encoding: 'utf16le' }], records: read(TEXT_BYTES) },
  { call: 'readFile', with: (at) => [at('text'), 'hex'], records: read(TEXT_BYTES) },
  { call: 'readFile', with: (at) => [at('text'), 'base64'], records: read(TEXT_BYTES) },
  { call: 'readFile', with: (at) => [at('text'), null], records: read(TEXT_BYTES) },
  { call: 'readFile', with: (at) => [pathToFileURL(at('text')), {}], records: read(TEXT_BYTES) },
  { call: 'readFile', with: (at) => [Buffer.from(at('binary'))], records: read(BINARY_BYTES) },
  { call: 'readFile', with: (at) => [at('empty')], records: read(0) },
  { call: 'readFile', with: (at) => [at('missing')], records: 'read error ENOENT' },
  { call: 'readFile', with: (at) => [at('folder'), 'utf8'], records: 'read error EISDIR' },
  { call: 'readFile', with: () => [{}], records: 'read error ERR_INVALID_ARG_TYPE' },
  { call: 'readFile', with: (at) => [at('text'), 'nonsense'], records: 'read error ERR_INVALID_ARG_VALUE' },
  {
    call: 'readFile',
    with: (at) => [at('text'), { signal: aborted }],
    records: 'read error ABORT_ERR',
    styles: ASYNC,
  },
  { call: 'writeFile', with: (at) => [at('new'), TEXT], records: written(TEXT_BYTES) },
  { call: 'writeFile', with: (at) => [at('new'), TEXT, 'latin1'], records: written(TEXT.length) },
  { call: 'writeFile', with: (at) => [at('new'), 'YW Jj\n', 'base64'], records: written(3) },
  { call: 'writeFile', with: (at) => [at('new'), 'abcx', { encoding: 'hex' }], records: written(1) },
  { call: 'writeFile', with: (at) => [at('new'), new Uint16Array(5)], records: written(10) },
  { call: 'writeFile', with: (at) => [at('text'), '', { flag: 'wx' }], records: 'write error EEXIST' },
  { call: 'writeFile', with: (at) => [at('no/where'), 'x'], records: 'write error ENOENT' },
  { call: 'writeFile', with: (at) => [at('new'), 12], records: 'write error ERR_INVALID_ARG_TYPE' },
  { call: 'appendFile', with: (at) => [at('text'), TEXT], records: written(TEXT_BYTES) },
  { call: 'appendFile', with: (at) => [at('folder'), 'x'], records: 'write error EISDIR' },
  { call: 'copyFile', with: (at) => [at('binary'), at('new')], records: `copy success ${BINARY_BYTES}` },
  { call: 'copyFile', with: (at) => [at('link'), at('new')], records: `copy success ${TEXT_BYTES}` },
  { call: 'copyFile', with: (at) => [at('missing'), at('new')], records: 'copy error ENOENT' },
  { call: 'copyFile', with: (at) => [at('text'), at('binary'), 1], records: 'copy error EEXIST' },
  { call: 'copyFile', with: () => [1, 2], records: 'copy error ERR_INVALID_ARG_TYPE' },
  { call: 'cp', with: (at) => [at('text'), at('new')], records: 'copy success' },
  { call: 'cp', with: (at) => [at('folder'), at('new'), { recursive: true }], records: 'copy success' },
  { call: 'cp', with: (at) => [at('folder'), at('new')], records: 'copy error ERR_FS_EISDIR' },
  { call: 'unlink', with: (at) => [at('text')], records: 'delete success' },
  { call: 'unlink', with: (at) => [at('missing')], records: 'delete error ENOENT' },
  { call: 'rm', with: (at) => [at('text')], records: 'delete success' },
  { call: 'rm', with: (at) => [at('folder'), { recursive: true }], records: 'delete success' },
  { call: 'rm', with: (at) => [at('missing'), { force: true }], records: 'delete success' },
  { call: 'rm', with: (at) => [at('missing')], records: 'delete error ENOENT' },
  { call: 'rmdir', with: (at) => [at('folder/inner')], records: 'delete error ENOTEMPTY' },
  { call: 'stat', with: (at) => [at('binary')], records: 'info success' },
  { call: 'stat', with: (at) => [at('text'), { bigint: true }], records: 'info success' },
  { call: 'stat', with: (at) => [at('missing')], records: 'info error ENOENT' },
  { call: 'stat', with: () => [undefined], records: 'info error ERR_INVALID_ARG_TYPE' },
  {
    call: 'stat',
    with: (at) => [at('missing'), { throwIfNoEntry: false }],
    records: 'info success',
    styles: ['sync'],
  },
  {
    call: 'lstat',
    with: (at) => [at('missing'), { throwIfNoEntry: false }],
    records: 'info success',
    styles: ['sync'],
  },
  { call: 'lstat', with: (at) => [at('link')], records: 'info success' },
  { call: 'access', with: (at) => [at('text'), 4], records: 'info success' },
  { call: 'access', with: (at) => [at('missing')], records: 'info error ENOENT' },
  { call: 'exists', with: (at) => [at('text')], records: 'info success', styles: NOT_PROMISED },
  { call: 'exists', with: (at) => [at('missing')], records: 'info success', styles: NOT_PROMISED },
  { call: 'exists', with: () => ['\0'], records: 'info success', styles: NOT_PROMISED },
  { call: 'readdir', with: (at) => [at('folder')], records: 'list success' },
  { call: 'readdir', with: (at) => [at('folder'), { withFileTypes: true }], records: 'list success' },
  { call: 'readdir', with: (at) => [at('folder'), { recursive: true }], records: 'list success' },
  { call: 'readdir', with: (at) => [at('text')], records: 'list error ENOTDIR' },
  { call: 'opendir', with: (at) => [at('missing')], records: 'list error ENOENT' },
];

/** How each style makes its call. What a callback is given, and its `this`, belong to the outcome. */
const STYLES: Readonly<Record<Style, (fs: FileSystem, call: string, args: unknown[]) => unknown>> = {
  promise: (fs, call, args) => Reflect.apply(Reflect.get(fs.promises, call), fs.promises, args),
  callback: (fs, call, args) =>
    new Promise((resolve, reject) => {
      const callback = function (this: unknown, ...results: unknown[]): void {
        if (results[0] instanceof Error) reject(results[0]);
        else resolve({ results, self: typeof this });
      };
      Reflect.apply(Reflect.get(fs, call), fs, [...args, callback]);
    }),
  promisified: (fs, call, args) => Reflect.apply(promisify(Reflect.get(fs, call)), undefined, args),
  sync: (fs, call, args) => Reflect.apply(Reflect.get(fs, `${call}Sync`), fs, args),
};

const isStyle = (name: string): name is Style => name in STYLES;

const calling =
  (style: Style, { call, with: argsFor }: Row): Program =>
  (fs, directory) =>
    STYLES[style](
      fs,
      call,
      argsFor((name) => `${directory}/${name}`),
    );

for (const way of Object.keys(WAYS))
  describe(`every function, by ${way}`, () => {
    for (const row of ROWS) {
      const { call, records, styles = Object.keys(STYLES).filter(isStyle) } = row;
      const args = row.with((name) => name).map(shown);
      for (const style of styles)
        it(`${style} ${call}(${args.join(', ')})`, () => conforms(way, calling(style, row), [records]));
    }
  });

function shown(argument: unknown): string {
  return inspect(argument, { breakLength: Infinity, depth: 0 });
}
