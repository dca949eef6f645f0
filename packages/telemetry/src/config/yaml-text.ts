/**
 * YAML 1.2 with lines, and with bounds that a hostile file does not get past.
 *
 * In: text. Out: its value, of plain objects, lists, texts, numbers, booleans and null, and the line of every part.
 * Aliases and merge keys (`<<`) are followed; their values count every time they are used, so that no file unfolds to
 * more than `MAX_VALUES`. What has a tag of its own, a key that is no text, or a key that is there twice is refused.
 * On failure: a SyntaxProblem with line and column.
 */
import { createRequire } from 'node:module';
import type { Alias, LineCounter, Node, Scalar, YAMLMap } from 'yaml';
import { childPath, MAX_DEPTH, MAX_VALUES, SyntaxProblem, TOO_DEEP, TOO_MANY, type Parsed } from './text.ts';

type Yaml = typeof import('yaml');

/** What an alias stands for, and how many values that is. */
interface Anchored {
  readonly value: unknown;
  readonly values: number;
}

let yaml: Yaml | undefined;

export function parseYamlText(text: string): Parsed {
  yaml ??= createRequire(import.meta.url)('yaml') as Yaml;
  const lineCounter = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {
    lineCounter,
    // Its own search for keys that are there twice compares each with each.
    uniqueKeys: false,
    prettyErrors: false,
  });
  const reader = new YamlText(yaml, lineCounter);
  const [problem] = [...document.errors, ...document.warnings];
  if (problem?.code === 'MULTIPLE_DOCS') reader.refuse('one document', problem.pos[0]);
  if (problem !== undefined) reader.refuse(`valid YAML (${problem.message})`, problem.pos[0]);
  return { value: reader.value(document.contents, '', 0), lines: reader.lines };
}

class YamlText {
  readonly lines = new Map<string, number>();
  readonly #yaml: Yaml;
  readonly #lineCounter: LineCounter;
  readonly #anchors = new Map<string, Anchored>();
  #values = 0;

  constructor(parser: Yaml, lineCounter: LineCounter) {
    this.#yaml = parser;
    this.#lineCounter = lineCounter;
  }

  value(node: unknown, path: string, depth: number): unknown {
    const { isAlias, isMap, isNode, isScalar, isSeq } = this.#yaml;
    if (!isNode(node)) return null;
    const before = this.#values;
    this.#count(1, node);
    if (depth > MAX_DEPTH) this.refuse(TOO_DEEP, node);
    if (!this.lines.has(path)) this.lines.set(path, this.#position(node).line);
    if (isAlias(node)) return this.#alias(node);
    let value: unknown;
    if (isMap(node)) value = this.#object(node, path, depth);
    else if (isSeq(node))
      value = node.items.map((item, index) => this.value(item, childPath(path, index), depth + 1));
    else if (isScalar(node)) value = this.#scalar(node);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, { value, values: this.#values - before });
    return value;
  }

  /** @param where a node, or an offset in the text. */
  refuse(expected: string, where: Node | number): never {
    const { line, col } = this.#position(where);
    throw new SyntaxProblem(expected, { line, column: col });
  }

  #object(node: YAMLMap, path: string, depth: number): object {
    const own = new Map<string, unknown>();
    const merged: object[] = [];
    for (const { key, value } of node.items) {
      if (!this.#yaml.isScalar(key)) this.refuse('keys that are texts', node);
      const name = String(this.#scalar(key));
      if (name === '<<' && key.type === 'PLAIN') {
        merged.push(...this.#merged(value, path, depth, key));
        continue;
      }
      if (own.has(name)) this.refuse(`every key once (${JSON.stringify(name)} is there twice)`, key);
      const inside = childPath(path, name);
      this.lines.set(inside, this.#position(key).line);
      own.set(name, this.value(value, inside, depth + 1));
    }
    const inherited = merged.toReversed().flatMap((one) => Object.entries(one));
    return Object.fromEntries([...inherited, ...own]);
  }

  /** The objects of a merge key; the first has a key before the others. */
  #merged(node: unknown, path: string, depth: number, key: Node): object[] {
    const value = this.value(node, childPath(path, '<<'), depth + 1);
    const objects: unknown[] = Array.isArray(value) ? value : [value];
    return objects.map((one) =>
      typeof one === 'object' && one !== null
        ? one
        : this.refuse('an object, or a list of objects, to merge', key),
    );
  }

  #alias(node: Alias): unknown {
    const anchored = this.#anchors.get(node.source);
    if (anchored === undefined)
      this.refuse(`an anchor &${node.source} that is complete before *${node.source}`, node);
    this.#count(anchored.values, node);
    return anchored.value;
  }

  #scalar(node: Scalar): unknown {
    const { value } = node;
    if (value === undefined || value === null) return null;
    if (['string', 'number', 'boolean'].includes(typeof value)) return value;
    return this.refuse('a text, a number, true, false or null', node);
  }

  #count(values: number, node: Node): void {
    this.#values += values;
    if (this.#values > MAX_VALUES) this.refuse(TOO_MANY, node);
  }

  #position(where: Node | number): { line: number; col: number } {
    const offset = typeof where === 'number' ? where : (where.range?.[0] ?? 0);
    const { line, col } = this.#lineCounter.linePos(offset);
    return line === 0 ? { line: 1, col: 1 } : { line, col };
  }
}
