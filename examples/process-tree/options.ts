import path from 'node:path';
import { parseArgs } from 'node:util';

export interface Options {
  /** About so many operations in all. */
  readonly operations: number;
  /** Where copies, tallies and what was exported stay. */
  readonly keep: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

export const HELP = `A tree of processes and threads copies and reads the files of this repository, and every operation is recorded.
Some of it is killed on the way. At the end: what was done, how long it took, and whether every record is accounted for.

  --operations N  about so many operations in all, from 1000; default 60000
  --keep DIR      leave the tallies and the OTLP JSON lines in DIR, a new directory
  --json          print one JSON object as the last line of stdout
  --help          print this

Exit code 0 when the account balances with what the program counted itself, 1 when it does not, 2 for a wrong option.`;

/** @throws Error for a wrong option. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      operations: { type: 'string', default: '60000' },
      keep: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const operations = Number(values.operations);
  if (!Number.isInteger(operations) || operations < 1000 || operations > 10_000_000) {
    throw new Error(`--operations: got ${values.operations}, expected a whole number from 1000 to 10000000`);
  }
  const { keep, json, help } = values;
  return { operations, keep: keep === undefined ? keep : path.resolve(keep), json, help };
}
