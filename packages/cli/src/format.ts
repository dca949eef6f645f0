/** Figures for people: three significant digits and a unit, counts in full, tables whose columns line up. */

const TIME_UNITS = ['ns', 'µs', 'ms', 's'] as const;
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A duration in seconds, such as `45.6 µs` or `2 min 5 s`; `–` where it is not known. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (Math.round(seconds) >= 120) {
    const whole = Math.round(seconds);
    return `${formatCount(Math.floor(whole / 60))} min ${whole % 60} s`;
  }
  return scaled(seconds * 1e9, 1000, TIME_UNITS);
}

/** Bytes in powers of 1024, such as `1.5 MiB`; `–` where they are not known. */
export function formatBytes(bytes: number): string {
  return Number.isFinite(bytes) ? scaled(bytes, 1024, BYTE_UNITS) : '–';
}

/** A whole number with separators, such as `1,234,567`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** Something per second, such as `1,234/s` or `0.250/s`; `–` where it is not known. */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return '–';
  return `${perSecond >= 100 ? formatCount(perSecond) : digits(perSecond)}/s`;
}

/**
 * Lines of a table, columns two blanks apart. The first row is the header. The first `leftColumns` columns are texts,
 * aligned on the left; all others are figures, aligned on the right. A row may end early.
 */
export function formatTable(rows: readonly (readonly string[])[], leftColumns: number): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column < leftColumns ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** A column of a table: its header, and a cell for each row. */
export interface Column {
  readonly title: string;
  readonly isText?: boolean;
  readonly cells: readonly string[];
}

/**
 * A table that may be wider than there is room for: then as many tables below each other as it takes, each with the column
 * `key` first. Groups of columns are kept together where they fit.
 */
export function formatTables(key: Column, groups: readonly (readonly Column[])[], width: number): string[][] {
  const keyWidth = columnWidth(key);
  const tables: Column[][] = [];
  let free = 0;
  for (const group of groups) {
    const whole = group.reduce((sum, column) => sum + 2 + columnWidth(column), 0);
    const parts = keyWidth + whole <= width ? [group] : group.map((column) => [column]);
    for (const part of parts) {
      const needed = part.reduce((sum, column) => sum + 2 + columnWidth(column), 0);
      if (tables.length === 0 || needed > free) {
        tables.push([key]);
        free = width - keyWidth;
      }
      tables.at(-1)?.push(...part);
      free -= needed;
    }
  }
  return tables.map(formatColumns);
}

function formatColumns(columns: readonly Column[]): string[] {
  const padded = columns.map((column) => {
    const width = columnWidth(column);
    const all = [column.title, ...column.cells];
    return all.map((cell) => (column.isText === true ? cell.padEnd(width) : cell.padStart(width)));
  });
  return (padded[0] ?? []).map((_, row) =>
    padded
      .map((cells) => cells[row])
      .join('  ')
      .trimEnd(),
  );
}

function columnWidth({ title, cells }: Column): number {
  return Math.max(...[title, ...cells].map((cell) => cell.length));
}

/** A text in lines of `width` at most, broken at blanks where there are any, all but the first indented. */
export function wrapText(text: string, width: number, indent: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const blank = rest.lastIndexOf(' ', width);
    const isWord = blank <= (lines.length === 0 ? 0 : indent);
    lines.push(rest.slice(0, isWord ? width : blank).trimEnd());
    rest = ' '.repeat(indent) + rest.slice(isWord ? width : blank + 1);
  }
  return [...lines, rest];
}

/** The largest unit of which there is one at least, after rounding: never `1000 µs`. */
function scaled(value: number, step: number, units: readonly string[]): string {
  let unit = 0;
  let rest = value;
  while (unit < units.length - 1 && rounded(rest) >= step) {
    rest /= step;
    unit++;
  }
  // Nothing is smaller than the smallest unit.
  const isWhole = unit === 0 && Number.isInteger(rest);
  return `${isWhole ? rest : digits(rest)} ${units[unit]}`;
}

/** Three digits, or all that a whole number has. */
function digits(value: number): string {
  if (rounded(value) >= 1000) return formatCount(value);
  return value !== 0 && value < 0.1 ? value.toPrecision(1) : value.toPrecision(3);
}

/** As `digits` shows it. */
function rounded(value: number): number {
  return value >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}
