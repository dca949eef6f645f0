/** Results as text: for a line of a terminal, and for a table. */
import { isMet, type Result } from './results.ts';

/** Three digits that count, and separators from a thousand on. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const rounded = Number(value.toPrecision(3));
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded))));
  return rounded.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** What was promised: `≤ 0.04 ×`, `≥ 3,000,000 samples/s`; empty where nothing was. */
export function goal({ atMost, atLeast, of, unit }: Result): string {
  const bound = atMost ?? atLeast;
  if (bound === undefined) return '';
  const sign = atMost === undefined ? '≥' : '≤';
  return `${sign} ${bound.toLocaleString('en-US')} ${of === 'ratio' ? '×' : unit}`;
}

export function verdict(result: Result): string {
  const met = isMet(result);
  return met === undefined ? '' : met ? 'met' : 'missed';
}

/** `0.034 × otel-js gauge.record (1,210)`; empty without a baseline. */
export function comparison({ baseline, baselineMedian, ratio }: Result): string {
  if (baseline === undefined || baselineMedian === undefined || ratio === undefined) return '';
  return `${figure(ratio)} × ${baseline} (${figure(baselineMedian)})`;
}

const GREEN = '\x1b[32m';
const RED = '\x1b[31m';
const PLAIN = '\x1b[39m';

export function asLine(result: Result, isColoured: boolean): string {
  const { name, unit, runs, low, high } = result;
  const spread = `${figure(low)}–${figure(high)} of ${runs}`;
  const columns = [name.padEnd(34), figure(result.median).padStart(10), unit.padEnd(10), spread.padEnd(24)];
  const met = verdict(result);
  const colour = met === 'met' ? GREEN : RED;
  const said = isColoured && met !== '' ? `${colour}${met}${PLAIN}` : met;
  const promised = met === '' ? '' : `${said} (${goal(result)})`;
  return [...columns, comparison(result), promised]
    .filter((part) => part !== '')
    .join(' ')
    .trimEnd();
}
