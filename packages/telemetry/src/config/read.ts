/**
 * One configuration file: from its path to what is in it, with lines.
 *
 * In: an absolute path. Out: an object. `.json` is JSON, all else is YAML; an empty file holds nothing.
 * On failure: a problem with the file, and with line and column where its syntax is wrong.
 */
import path from 'node:path';
import type { Problem } from '../errors.ts';
import { codeOf } from '../tree/errno.ts';
import { readFileSync, statSync } from '../tree/files.ts';
import { parseJsonText } from './json-text.ts';
import type { Document } from './merge.ts';
import { isObject } from './object.ts';
import { MAX_BYTES, SyntaxProblem, type Parsed } from './text.ts';
import { parseYamlText } from './yaml-text.ts';

const EMPTY = /^\s*$/;

/** `undefined` where there is a problem. */
export function readDocument(file: string, problems: Problem[]): Document | undefined {
  const refuse = (expected: string): undefined => {
    problems.push({ path: '', value: undefined, expected, file });
  };
  try {
    const status = statSync(file);
    if (!status.isFile()) return refuse('a file');
    const { size } = status;
    if (size > MAX_BYTES) return refuse(`at most ${MAX_BYTES} bytes (it has ${size})`);
    const { value, lines } = parse(
      file,
      new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)),
    );
    if (value === null) return { file, value: {}, lines };
    return isObject(value)
      ? { file, value, lines }
      : refuse('an object with the sections of a configuration');
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) return refuse(`a file that can be read (${reasonOf(error)})`);
    problems.push({ ...error.problem, file });
    return undefined;
  }
}

function parse(file: string, text: string): Parsed {
  if (path.extname(file).toLowerCase() !== '.json') return parseYamlText(text);
  return EMPTY.test(text) ? { value: null, lines: new Map() } : parseJsonText(text);
}

function reasonOf(error: unknown): string {
  if (codeOf(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'it is not UTF-8';
  const message = error instanceof Error ? error.message : String(error);
  // Without the path, which is said already.
  return message.replace(/^(E\w+: [^,]*),.*$/s, '$1');
}
