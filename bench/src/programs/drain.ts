/** The other end of a socket: reads, and over TCP answers one byte for each body, in a process of its own. */
import { createSocket } from 'node:dgram';
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
  /** Returns the port. */
  listenUdp: async (): Promise<number> => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket.address().port;
  },
};
export type Methods = typeof methods;
answer(methods);
