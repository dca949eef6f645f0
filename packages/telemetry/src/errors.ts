/** Stable codes of every error this package throws; they never change between versions. */
export type TelemetryErrorCode =
  | 'MSC_CONFIGURATION_INVALID'
  | 'MSC_CONFIGURATION_UNREADABLE'
  | 'MSC_MODE_UNKNOWN'
  | 'MSC_ADDRESS_UNUSABLE'
  | 'MSC_TREE_NOT_FOUND'
  | 'MSC_DIRECTORY_UNSAFE'
  | 'MSC_EXPORTER_UNUSABLE'
  | 'MSC_SERVER_NOT_READY'
  | 'MSC_FLUSH_TIMEOUT'
  | 'MSC_FORMAT'
  | 'MSC_SECRET_UNUSABLE'
  | 'MSC_LINK_REFUSED'
  | 'MSC_LINK_MALFORMED'
  | 'MSC_LINK_AWAY';

/** One thing that is wrong: where it was found, what was there, and what would have been right. */
export interface Problem {
  /** Path of the field, such as `reader.options.collect_interval_millis`; empty where a file is wrong as a whole. */
  readonly path: string;
  readonly value: unknown;
  readonly expected: string;
  /** Where it is written, if it comes from a file: lines and columns from 1. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** The error of this package. `code` is stable; `problems` names every field that is wrong, all at once. */
export class TelemetryError extends Error {
  readonly code: TelemetryErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: TelemetryErrorCode, message: string, problems: readonly Problem[] = [], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TelemetryError';
    this.code = code;
    this.problems = problems;
  }
}

/** Shows a value in an error message: short, on one line, and faithful for NaN, functions and long strings. */
export function show(value: unknown): string {
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'symbol' || typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' || value === undefined) return String(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch {
    // It cannot be shown as it is: in cycles, or hostile.
  }
  text ??= Object.prototype.toString.call(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** In a message; the error has them all. */
const MAX_SHOWN_PROBLEMS = 100;

/** An error for one or more wrong fields, all of which its message names, but for a file that is nothing but wrong. */
export function invalid(
  code: TelemetryErrorCode,
  subject: string,
  problems: readonly Problem[],
): TelemetryError {
  const shown = problems.slice(0, MAX_SHOWN_PROBLEMS).map(describe);
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
  return new TelemetryError(code, `${subject}: ${shown.join('; ')}`, problems);
}

/** `file:line: path: got value, expected …`, as far as it is known. */
export function describe({ path, value, expected, file, line, column }: Problem): string {
  const where = [file, line, column].filter((part) => part !== undefined).join(':');
  const what = path === '' ? '' : `${path}: got ${show(value)}, `;
  return `${where === '' ? '' : `${where}: `}${what}expected ${expected}`;
}
