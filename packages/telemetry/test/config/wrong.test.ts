/** Every file in wrong/ is refused, with exactly the message beside it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { loadConfiguration } from '../../src/config/load.ts';
import { errorOf } from '../telemetry-error.ts';
import { WRONG } from './files.ts';

const files = readdirSync(WRONG).filter((name) => /\.(yaml|json)$/.test(name));

/** One problem a line, files relative to wrong/. */
function refusal(file: string): string {
  const { code, message, problems } = errorOf(() => loadConfiguration(path.join(WRONG, file), {}));
  assert.ok(problems.every((problem) => problem.file !== undefined));
  const [subject, ...rest] = message.replaceAll(WRONG + path.sep, '').split(': ');
  const listed = rest.join(': ').replaceAll(/; (?=[\w/-]+\.(yaml|json):)/g, '\n');
  return `${code}\n${subject}:\n${listed}\n`;
}

suite('a wrong file', () => {
  for (const file of files) {
    test(file, () => {
      assert.equal(refusal(file), readFileSync(path.join(WRONG, `${file}.txt`), 'utf8'));
    });
  }

  test('there are many', () => assert.ok(files.length >= 30));
});
