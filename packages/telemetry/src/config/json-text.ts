/**
 * JSON (RFC 8259) with lines, which `JSON.parse` does not tell.
 *
 * In: text. Out: its value, and the line of every part.
 * Invariant: what is accepted gives the value that `JSON.parse` gives; what it refuses is refused, and so are a key that is
 * there twice and what is too deep or too much.
 * On failure: a SyntaxProblem with line and column.
 */
import { childPath, MAX_DEPTH, MAX_VALUES, SyntaxProblem, TOO_DEEP, TOO_MANY, type Parsed } from './text.ts';

const SPACE = /[\t\n\r ]*/y;
// oxlint-disable-next-line no-control-regex
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

export function parseJsonText(text: string): Parsed {
  const reader = new JsonText(text);
  return { value: reader.whole(), lines: reader.lines };
}

class JsonText {
  readonly lines = new Map<string, number>();
  readonly #text: string;
  #offset = 0;
  /** Line breaks up to the offset whose line was last asked for. */
  #counted = { offset: 0, line: 1 };
  #values = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): unknown {
    const value = this.#value('', 0);
    this.#skipSpace();
    if (this.#offset < this.#text.length) this.#refuse('the end of the file');
    return value;
  }

  #value(path: string, depth: number): unknown {
    this.#skipSpace();
    if (!this.lines.has(path)) this.lines.set(path, this.#line());
    if (++this.#values > MAX_VALUES) this.#refuse(TOO_MANY);
    if (depth > MAX_DEPTH) this.#refuse(TOO_DEEP);
    switch (this.#text[this.#offset]) {
      case '{':
        return this.#object(path, depth);
      case '[':
        return this.#array(path, depth);
      case '"':
        return this.#string();
    }
    const scalar = this.#match(SCALAR) ?? this.#refuse('a JSON value');
    return JSON.parse(scalar);
  }

  #object(path: string, depth: number): object {
    const entries = new Map<string, unknown>();
    this.#items('}', () => {
      const start = this.#offset;
      const key = this.#string();
      if (entries.has(key)) this.#refuse(`every key once (${JSON.stringify(key)} is there twice)`, start);
      const inside = childPath(path, key);
      this.lines.set(inside, this.#line());
      this.#take(':');
      entries.set(key, this.#value(inside, depth + 1));
    });
    return Object.fromEntries(entries);
  }

  #array(path: string, depth: number): unknown[] {
    const items: unknown[] = [];
    this.#items(']', () => items.push(this.#value(childPath(path, items.length), depth + 1)));
    return items;
  }

  /** What stands between brackets, separated by commas. */
  #items(end: string, read: () => void): void {
    this.#offset++;
    this.#skipSpace();
    if (this.#text[this.#offset] === end) {
      this.#offset++;
      return;
    }
    for (;;) {
      this.#skipSpace();
      read();
      this.#skipSpace();
      const mark = this.#text[this.#offset];
      if (mark !== ',' && mark !== end) this.#refuse(`a comma or ${end}`);
      this.#offset++;
      if (mark === end) return;
    }
  }

  #string(): string {
    const literal = this.#match(STRING) ?? this.#refuse('a string in double quotes');
    return JSON.parse(literal);
  }

  #take(mark: string): void {
    this.#skipSpace();
    if (this.#text[this.#offset] !== mark) this.#refuse(mark === ':' ? 'a colon' : mark);
    this.#offset++;
  }

  #skipSpace(): void {
    this.#match(SPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const [found] = pattern.exec(this.#text) ?? [];
    this.#offset += found?.length ?? 0;
    return found;
  }

  #line(): number {
    let { offset, line } = this.#counted;
    for (; offset < this.#offset; offset++) if (this.#text[offset] === '\n') line++;
    this.#counted = { offset, line };
    return line;
  }

  #refuse(expected: string, offset: number = this.#offset): never {
    const before = this.#text.slice(0, offset).split('\n');
    throw new SyntaxProblem(expected, {
      line: before.length,
      column: (before.at(-1) ?? '').length + 1,
    });
  }
}
