/** `limits/*`: what the machine takes for what cannot be left out, measured in the same run. */
import type { Bench } from './bench.ts';
import type { Methods as DrainMethods } from './programs/drain.ts';
import type { Methods } from './programs/limits.ts';

/** 16,384 points of 220 B. */
const BODY_BYTES = 16_384 * 220;

const LIMITS = {
  clock: { unit: 'ns', note: 'process.hrtime(): each record looks at it' },
  append: { unit: 'ns/sample', note: '20 B of a batch of 4,096 rows, by one writeSync to a file in memory' },
  copy: { unit: 'ns/point', note: '220 B of a request, from memory to memory' },
  loopback: { unit: 'ns/point', note: '220 B of a request, over TCP, what the sender pays' },
  turn: { unit: 'ns', note: 'an empty turn of the event loop' },
} as const;
const NAMES = Object.keys(LIMITS) as (keyof typeof LIMITS)[];

export const limits: Bench = {
  names: NAMES.map((name) => `limits/${name}`),
  async run({ place, isQuick }) {
    const program = place.start<Methods>('limits');
    const port = await place.start<DrainMethods>('drain').ask('listen', BODY_BYTES);
    const job = { directory: place.newDirectory(), port, blocks: isQuick ? 2 : 11 };
    const runs = await program.ask('limits', job);
    return NAMES.map((name) => ({ name: `limits/${name}`, runs: runs[name], ...LIMITS[name] }));
  },
};
