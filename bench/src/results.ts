/** What a bench measures, and how it is printed. */
import os from 'node:os';

export interface Result {
  readonly name: string;
  readonly unit: string;
  /** Of all runs, ascending. */
  readonly runs: readonly number[];
  /** What the product promises, where it does. */
  readonly atMost?: number;
}

export type Bench = () => Promise<Result[]>;

export function median({ runs }: Result): number {
  const sorted = runs.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

export function machine(): string {
  const [cpu] = os.cpus();
  return `${os.cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${process.platform} ${os.release()}, Node ${process.version}`;
}

const format = (value: number): string => value.toPrecision(3);

export function asLine(result: Result): string {
  const { name, unit, runs, atMost } = result;
  const spread = `${format(Math.min(...runs))}–${format(Math.max(...runs))}`;
  const promise = atMost === undefined ? '' : `  (promised: at most ${atMost})`;
  return `${name.padEnd(22)} ${format(median(result)).padStart(8)} ${unit.padEnd(12)} of ${runs.length}: ${spread}${promise}`;
}
