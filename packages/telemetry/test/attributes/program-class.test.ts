import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ConfiguredAttributes } from '../../src/attributes/configured.ts';
import { writeProgram } from '../exporters/programs.ts';
import { errorLines } from './said.ts';

/** The provider `Mine` of a module with this source, before a static one that must not suffer. */
function providerOf(
  t: TestContext,
  name: string,
  source: string,
  options: object = {},
): ConfiguredAttributes {
  const module = pathToFileURL(path.join(writeProgram(t, { [name]: source }), name)).href;
  return new ConfiguredAttributes(
    [
      { type: `./${name}#Mine`, options: { ...options }, module },
      { type: 'static', options: { attributes: { fixed: true } } },
    ],
    {},
  );
}

const CLASS = `class Mine {
  constructor(options) { this.options = options; }
  attributes() { return { rank: this.options.rank, nested: ['a'] }; }
}`;

describe('a class of the program', () => {
  const modules: Record<string, [name: string, source: string]> = {
    'a CommonJS module': ['mine.cjs', `${CLASS} exports.Mine = Mine;`],
    'an ES module': ['mine.mjs', `export ${CLASS}`],
    'the default export of an ES module': ['mine.mjs', `${CLASS} export default { Mine };`],
  };
  for (const [what, [name, source]] of Object.entries(modules)) {
    test(`in ${what} gets its options and gives its attributes`, (t) => {
      const said = errorLines(t);
      const merged = providerOf(t, name, source, { rank: 3 }).merge({});
      assert.deepEqual({ ...merged }, { rank: 3, nested: ['a'], fixed: true });
      assert.deepEqual(said, []);
    });
  }

  test('is asked once, and never again', (t) => {
    const providers = providerOf(
      t,
      'mine.cjs',
      'let n = 0; exports.Mine = class { attributes() { return { n: ++n }; } };',
    );
    assert.equal(providers.merge({})['n'], 1);
    assert.equal(providers.merge({})['n'], 1);
  });

  test('that declares itself dynamic is asked each time', (t) => {
    const providers = providerOf(
      t,
      'mine.cjs',
      'let n = 0; exports.Mine = class { isDynamic = true; attributes() { return { n: ++n }; } };',
    );
    assert.equal(providers.isDynamic, true);
    assert.deepEqual({ ...providers.merge({}) }, { n: 1, fixed: true });
    assert.deepEqual({ ...providers.merge({}) }, { n: 2, fixed: true });
    assert.deepEqual({ ...providers.merge({ n: 'mine' }) }, { n: 'mine', fixed: true });
  });

  test('that is dynamic has the others asked once all the same', (t) => {
    const file = 'mine.cjs';
    const source = 'exports.Mine = class { isDynamic = true; attributes() { return {}; } };';
    const module = pathToFileURL(path.join(writeProgram(t, { [file]: source }), file)).href;
    const env: NodeJS.ProcessEnv = { A: 'first' };
    const variables = { type: 'environment_variables', options: { attributes: { a: 'A' } } };
    const providers = new ConfiguredAttributes([{ type: 'm#Mine', options: {}, module }, variables], env);
    assert.equal(providers.merge({})['a'], 'first');
    env['A'] = 'second';
    assert.equal(providers.merge({})['a'], 'first');
  });

  test('whose object changes later has given a copy', (t) => {
    const providers = providerOf(
      t,
      'mine.cjs',
      'const kept = { list: [1] }; exports.kept = kept; exports.Mine = class { attributes() { return kept; } };',
    );
    const [list] = [providers.merge({})['list'] as number[]];
    list.push(2);
    assert.deepEqual(list, [1, 2]);
  });
});

describe('a class that fails is named once, and its attributes are missing', () => {
  const failures: Record<string, [name: string, source: string, reason: RegExp]> = {
    'as its module awaits at its top level': [
      'mine.mjs',
      `await 1; export ${CLASS}`,
      /awaits at its top level, but attributes are needed synchronously$/,
    ],
    'as its module throws': ['mine.cjs', 'throw new Error("no module");', /Error: no module$/],
    'as there is no such class': ['mine.cjs', 'exports.Yours = class {};', /exports no class Mine$/],
    'as it is no class': ['mine.cjs', 'exports.Mine = 5;', /exports no class Mine$/],
    'as it cannot be constructed': [
      'mine.cjs',
      'exports.Mine = class { constructor() { throw new Error("no instance"); } };',
      /Error: no instance$/,
    ],
    'as it has no attributes()': [
      'mine.cjs',
      'exports.Mine = class { attributes = {}; };',
      /expected an object with the method attributes\(\)$/,
    ],
    'as attributes() throws': [
      'mine.cjs',
      'exports.Mine = class { attributes() { throw new Error("no attributes"); } };',
      /Error: no attributes$/,
    ],
    'as attributes() throws, another error each time': [
      'mine.cjs',
      'let n = 0; exports.Mine = class { isDynamic = true; attributes() { throw new Error(`no ${++n}`); } };',
      /Error: no 1$/,
    ],
    'as attributes() is asynchronous': [
      'mine.cjs',
      'exports.Mine = class { async attributes() { return {}; } };',
      /attributes\(\) returned \{\}, expected an object with attributes$/,
    ],
    'as attributes() gives no attributes': [
      'mine.cjs',
      'exports.Mine = class { attributes() { return "text"; } };',
      /attributes\(\) returned "text", expected/,
    ],
    'as its attributes cannot be read': [
      'mine.cjs',
      'exports.Mine = class { attributes() { return { get a() { throw new Error("no a"); } }; } };',
      /Error: no a$/,
    ],
  };
  for (const [what, [name, source, reason]] of Object.entries(failures)) {
    test(what, (t) => {
      const said = errorLines(t);
      const providers = providerOf(t, name, source);
      for (let record = 0; record < 3; record++) {
        assert.deepEqual({ ...providers.merge({ own: 1 }) }, { fixed: true, own: 1 });
      }
      assert.equal(said.length, 1, said.join('\n'));
      assert.match(
        said[0],
        /^msc-telemetry: attributes provider "\.\/mine\.[cm]js#Mine": its attributes are/,
      );
      assert.match(said[0], reason);
    });
  }
});

test('a class that asks for its own attributes is refused, and gives its attributes all the same', (t) => {
  const providers = providerOf(
    t,
    'mine.cjs',
    'exports.Mine = class { attributes() { return { inner: globalThis.askAgain() }; } };',
  );
  const shared = globalThis as { askAgain?: () => string };
  shared.askAgain = () => {
    try {
      providers.merge({});
      return 'merged';
    } catch {
      return 'refused';
    }
  };
  t.after(() => delete shared.askAgain);
  assert.equal(providers.merge({})['inner'], 'refused');
});
