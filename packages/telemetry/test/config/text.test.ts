/** Both readers of text: what they accept, what they refuse, and that nothing else comes out of them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { parseJsonText } from '../../src/config/json-text.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { SyntaxProblem, type Parsed } from '../../src/config/text.ts';
import { parseYamlText } from '../../src/config/yaml-text.ts';
import { TelemetryError } from '../../src/errors.ts';
import { directoryOf } from './files.ts';

function refusalOf(parse: () => Parsed): SyntaxProblem {
  try {
    parse();
  } catch (error) {
    if (error instanceof SyntaxProblem) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Text that is nearly right. */
const MARKS = [
  'opentelemetry|metrics|attributes|exporter|type|include|: |:\n  |, |\n|- |{|}|[|]|"|\'|&a |*a|<<: |!!binary |$|${|${HOME}',
  '|>|%|#|?|\t|null|true|1e9|-|.inf|---|\\u00|\u0000|\ufeff|__proto__|constructor',
].flatMap((marks) => marks.split('|').concat('|'));
const NEARLY = fc
  .array(fc.oneof(fc.constantFrom(...MARKS), fc.string({ maxLength: 3 })), { maxLength: 30 })
  .map((parts) => parts.join(''));

suite('JSON', () => {
  test('gives what JSON.parse gives', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (json, space) => {
        const value: unknown = JSON.parse(json);
        const text = JSON.stringify(value, undefined, space);
        assert.deepEqual(parseJsonText(text).value, JSON.parse(text));
      }),
    );
  });

  test('refuses what JSON.parse refuses, and says where', () => {
    fc.assert(
      fc.property(fc.oneof(NEARLY, fc.json().chain(damaged)), (text) => {
        let isRight = true;
        try {
          JSON.parse(text);
        } catch {
          isRight = false;
        }
        try {
          parseJsonText(text);
          assert.ok(isRight, text);
        } catch (error) {
          if (!(error instanceof SyntaxProblem)) throw error;
          assert.ok(!isRight || /twice/.test(error.message), text);
          const { line = 0, column = 0 } = error.problem;
          assert.ok(line >= 1 && column >= 1 && line <= text.split('\n').length);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('is bounded', () => {
    assert.match(refusalOf(() => parseJsonText('['.repeat(100_000))).message, /at most 64 levels/);
    const many = `[${'0,'.repeat(100_000)}0]`;
    assert.match(refusalOf(() => parseJsonText(many)).message, /at most 100000 values/);
    const text = `"${'x\\n'.repeat(300_000)}"`;
    assert.equal(parseJsonText(text).value, JSON.parse(text));
  });
});

suite('YAML', () => {
  test('gives what JSON gives for JSON', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (json) => {
        assert.deepEqual(parseYamlText(json).value, JSON.parse(json));
      }),
    );
  });

  test('is plain data, or a refusal that says where', () => {
    fc.assert(
      fc.property(NEARLY, (text) => {
        let value: unknown;
        try {
          ({ value } = parseYamlText(text));
        } catch (error) {
          if (!(error instanceof SyntaxProblem)) throw error;
          assert.ok((error.problem.line ?? 0) >= 1);
          return;
        }
        assert.deepEqual(structuredClone(value), value);
      }),
      { numRuns: 500 },
    );
  });

  test('is bounded', () => {
    assert.match(refusalOf(() => parseYamlText('- '.repeat(100))).message, /at most 64 levels/);
    const many = `[${'0,'.repeat(100_000)}0]`;
    assert.match(refusalOf(() => parseYamlText(many)).message, /at most 100000 values/);
    assert.throws(() => parseYamlText('['.repeat(5000)), SyntaxProblem);
  });
});

test('any text is a configuration, or a TelemetryError', (t) => {
  const directory = directoryOf(t, {});
  fc.assert(
    fc.property(fc.oneof(NEARLY, fc.json()), fc.constantFrom('c.yaml', 'c.json'), (text, name) => {
      const file = path.join(directory, name);
      writeFileSync(file, text);
      try {
        const loaded = loadConfiguration(file, { HOME: '/home/me' });
        assert.ok(Object.isFrozen(loaded?.configuration));
      } catch (error) {
        if (!(error instanceof TelemetryError)) throw error;
        assert.match(error.code, /^MSC_CONFIGURATION_(INVALID|UNREADABLE)$/);
        for (const problem of error.problems) assert.equal(problem.file, file);
      }
    }),
    { numRuns: 500 },
  );
});

/** With one character taken out, or put in. */
function damaged(json: string): fc.Arbitrary<string> {
  const at = fc.nat({ max: json.length });
  return fc.tuple(at, fc.constantFrom('', ',', '"', '{', ']', '\\', '0', ' x')).map(([index, put]) => {
    return json.slice(0, index) + put + json.slice(put === '' ? index + 1 : index);
  });
}
