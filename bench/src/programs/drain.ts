/** The other end of a socket: reads, and answers one byte for each body, in a process of its own. */
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { answer } from '../requests.ts';

const methods = {
  /** Returns the port. */
  listen: async (bodyBytes: number): Promise<number> => {
    const server = createServer((socket) => {
      let left = bodyBytes;
      socket.on('data', (piece) => {
        left -= piece.length;
        if (left > 0) return;
        left += bodyBytes;
        socket.write('.');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
};
export type Methods = typeof methods;
answer(methods);
