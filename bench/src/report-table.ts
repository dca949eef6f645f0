/** Tables in Markdown. */

/** Columns after the first hold figures, and are aligned to the right; text columns are named. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  textColumns: readonly string[] = [],
): string {
  const isText = (column: string, index: number): boolean => index === 0 || textColumns.includes(column);
  const rule = header.map((column, index) => (isText(column, index) ? '---' : '--:'));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
