/** All benches, in the order in which they run. */
import type { Bench } from './bench.ts';
import { encode } from './encode.ts';
import { idle } from './idle.ts';
import { operation } from './operation.ts';
import { counter, record } from './record.ts';

export const BENCHES: readonly Bench[] = [record, counter, operation, encode, idle];
