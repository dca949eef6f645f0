import { mock, type TestContext } from 'node:test';

/** Lines on stderr, from now to the end of the test. */
export function errorLines(t: TestContext): string[] {
  const lines: string[] = [];
  const mocked = mock.method(console, 'error', (line: string) => void lines.push(line));
  t.after(() => mocked.mock.restore());
  return lines;
}
