/** What nothing of this kind can do without: a look at the clock, a copy of each byte, a system call, a socket. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { measureBlocks } from '../blocks.ts';
import { answer } from '../requests.ts';
import { eachTurn } from '../turns.ts';

/** Of one raw point with seven attributes in a request, about. */
const POINT_BYTES = 220;
const POINTS = 16_384;
/** A row of a batch, and as many as it has. */
const ROW_BYTES = 20;
const ROWS = 4096;
const CALLS = 200_000;

const BODY_BYTES = POINTS * POINT_BYTES;

interface LimitsJob {
  readonly directory: string;
  /** Of a process that reads bodies. */
  readonly port: number;
  readonly blocks: number;
}

async function sender(port: number): Promise<(body: Buffer) => Promise<void>> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return async (body) => {
    socket.write(body);
    await once(socket, 'data');
  };
}

const methods = {
  /** Nanoseconds: per look, per point, per row of a batch, per turn. */
  limits: async ({ directory, port, blocks }: LimitsJob): Promise<Record<string, number[]>> => {
    const from = Buffer.alloc(BODY_BYTES, 7);
    const to = Buffer.alloc(from.length);
    const batch = Buffer.alloc(ROWS * ROW_BYTES, 7);
    const send = await sender(port);
    const file = `${directory}-limits`;
    const descriptor = openSync(file, 'w', 0o600);
    let seen = 0;
    const subjects = [
      {
        name: 'clock',
        calls: CALLS,
        run: (calls: number): void => {
          for (let call = 0; call < calls; call++) seen += process.hrtime()[1] & 1;
        },
      },
      {
        name: 'copy',
        calls: POINTS * 4,
        run: (): void => {
          for (let time = 0; time < 4; time++) from.copy(to);
        },
      },
      {
        name: 'append',
        calls: ROWS * 64,
        run: (): void => {
          for (let time = 0; time < 64; time++)
            writeSync(descriptor, batch, 0, batch.length, time * batch.length);
        },
      },
      { name: 'loopback', calls: POINTS, run: () => send(from) },
      { name: 'turn', calls: 20_000, run: (calls: number) => eachTurn(calls, () => undefined) },
    ];
    const found = await measureBlocks(subjects, { blocks });
    closeSync(descriptor);
    rmSync(file);
    if (seen < 0) throw new Error('the clock runs backwards');
    return found;
  },
};
export type Methods = typeof methods;
answer(methods);
