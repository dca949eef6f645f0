/** All benches, in the order in which they run. */
import type { Bench } from './bench.ts';
import { encode } from './encode.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import { limits } from './limits.ts';
import { operation } from './operation.ts';
import { pathCpu } from './path.ts';
import { peers } from './peers.ts';
import { profile } from './profile.ts';
import { counter, record } from './record.ts';
import { scale } from './scale.ts';
import { start } from './start.ts';
import { throughput } from './throughput.ts';

export const BENCHES: readonly Bench[] = [
  start,
  record,
  peers,
  counter,
  operation,
  encode,
  limits,
  pathCpu,
  profile,
  latency,
  scale,
  idle,
  throughput,
];
