import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { existsSync } from 'node:fs';
import { suite, test, type TestContext } from 'node:test';
import { encodeMessage, decodeMessage, Refusal, type Message } from '../../src/link/messages.ts';
import { MAX_BODY_BYTES, Opener, Sealer } from '../../src/link/envelope.ts';
import { Handshake } from '../../src/link/handshake.ts';
import { Listener } from '../../src/link/listener.ts';
import { writeListening } from '../../src/link/settings.ts';
import { ensureTree } from '../../src/tree/trees.ts';
import { ID } from '../journal/stage.ts';
import { scratch } from '../server/stage.ts';
import { freePort } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { SECRET } from './stage.ts';

interface Stage {
  readonly tree: string;
  readonly port: number;
  readonly listener: Listener;
  readonly log: readonly string[];
}

async function stage(t: TestContext): Promise<Stage> {
  const tree = path.join(scratch(t), 'tree');
  const port = await freePort();
  ensureTree(tree);
  writeListening(tree, { host: '127.0.0.1', port, secret: SECRET, leaseMillis: 60_000 });
  const log: string[] = [];
  const listener = Listener.open(tree, (message) => log.push(message));
  assert.ok(listener !== undefined);
  t.after(() => listener.close());
  await until('listening', () => listener.status.state === 'listening');
  return { tree, port, listener, log };
}

/** A peer that says what it likes. */
class Peer {
  readonly socket: Socket;
  readonly received: Uint8Array[] = [];
  readonly closed: Promise<unknown>;

  constructor(t: TestContext, port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (bytes) => this.received.push(bytes));
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => void this.socket.once('close', resolve));
    t.after(() => this.socket.destroy());
  }

  get bytes(): number {
    return this.received.reduce((sum, { length }) => sum + length, 0);
  }
}

/** A peer that knows the secret. */
class Client extends Peer {
  readonly messages: Message[] = [];
  #sealer: Sealer | undefined;

  static async connect(t: TestContext, port: number): Promise<Client> {
    const client = new Client(t, port);
    const handshake = new Handshake('client', Buffer.from(SECRET, 'base64'));
    let opener: Opener | undefined;
    client.socket.on('data', (bytes) => {
      let rest: Uint8Array = bytes;
      if (opener === undefined) {
        const { reply, done } = handshake.push(bytes);
        client.socket.write(reply);
        if (done === undefined) return;
        opener = new Opener(done.keys.receive);
        client.#sealer = new Sealer(done.keys.send);
        ({ rest } = done);
      }
      client.messages.push(...opener.push(rest).map(decodeMessage));
    });
    client.socket.write(handshake.first);
    await until('handshake', () => client.#sealer !== undefined);
    return client;
  }

  seal(message: Message): Uint8Array {
    assert.ok(this.#sealer !== undefined);
    return this.#sealer.seal(encodeMessage(message));
  }

  send(message: Message): void {
    this.socket.write(this.seal(message));
  }

  async answer(type: Message['type']): Promise<Message> {
    return until(type, () => this.messages.find((message) => message.type === type));
  }
}

suite('who listens', () => {
  test('answers a client that has proven itself', async (t) => {
    const { port, listener } = await stage(t);
    const client = await Client.connect(t, port);
    client.send({ type: 'ping' });
    await client.answer('pong');
    client.send({ type: 'open', journal: ID });
    assert.partialDeepStrictEqual(await client.answer('state'), {
      journal: ID,
      sequence: 0,
      definitionsBytes: 0,
    });
    assert.deepEqual([listener.status.clients, listener.hasClients], [1, true]);
    client.socket.destroy();
    await until('its end', () => !listener.hasClients);
  });

  test('tells a stranger nothing, and is not moved by one', async (t) => {
    const { port, listener, tree, log } = await stage(t);
    const hello = new Handshake('client', Buffer.from('another secret')).first;
    const open = new Sealer(new Uint8Array(32)).seal(encodeMessage({ type: 'open', journal: ID }));
    for (const [bytes, mostAnswered] of [
      [Buffer.from('GET / HTTP/1.1\r\n\r\n'), 0],
      [new Uint8Array(1024 * 1024), 0],
      [Buffer.concat([hello, new Uint8Array(32)]), 40],
      [Buffer.concat([hello, new Uint8Array(32), open]), 40],
      [open, 0],
    ] as const) {
      const peer = new Peer(t, port);
      peer.socket.write(bytes);
      await peer.closed;
      assert.ok(peer.bytes <= mostAnswered);
    }
    assert.equal(listener.hasClients, false);
    assert.ok(!existsSync(path.join(tree, 'remote')));
    assert.equal(log.length, 1, 'once in a while it is worth a line');
    await Client.connect(t, port);
  });

  test('does not wait for who says nothing, or every few seconds a little', async (t) => {
    const { port } = await stage(t);
    const [silent, slow] = [new Peer(t, port), new Peer(t, port)];
    const [...hello] = new Handshake('client', Buffer.from(SECRET, 'base64')).first;
    const timer = setInterval(() => slow.socket.write(Uint8Array.of(hello.shift() ?? 0)), 500);
    t.after(() => clearInterval(timer));
    await Promise.all([silent.closed, slow.closed]);
    assert.ok(hello.length > 0, 'it had not come to an end');
  });

  test('keeps no more strangers than 64, and lets the oldest go', async (t) => {
    const { port } = await stage(t);
    const first = new Peer(t, port);
    await once(first.socket, 'connect');
    const peers = Array.from({ length: 64 }, () => new Peer(t, port));
    await first.closed;
    const client = await Client.connect(t, port);
    client.send({ type: 'ping' });
    await client.answer('pong');
    assert.ok(peers.filter(({ socket }) => !socket.destroyed).length <= 64);
  });

  test('ends a connection on which something was changed, repeated or has no place', async (t) => {
    const { port, listener } = await stage(t);
    const changed = await Client.connect(t, port);
    const sealed = changed.seal({ type: 'open', journal: ID });
    changed.socket.write(sealed.with(10, sealed[10] ^ 1));
    await changed.closed;
    const repeated = await Client.connect(t, port);
    const ping = repeated.seal({ type: 'ping' });
    repeated.socket.write(Buffer.concat([ping, ping]));
    await repeated.closed;
    const oversized = await Client.connect(t, port);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(MAX_BODY_BYTES + 1);
    oversized.socket.write(length);
    await oversized.closed;
    for (const order of [
      { type: 'pong' },
      { type: 'frames', journal: ID, bytes: new Uint8Array(8) },
      { type: 'final', journal: ID, endedAtMillis: 0 },
    ] as const) {
      const client = await Client.connect(t, port);
      client.send(order);
      await client.closed;
      assert.partialDeepStrictEqual(client.messages, [{ type: 'error', reason: Refusal.PROTOCOL }]);
    }
    await until('the end of all', () => !listener.hasClients);
  });

  test('lets a journal come over the connection that was made last', async (t) => {
    const { port } = await stage(t);
    const [first, second] = [await Client.connect(t, port), await Client.connect(t, port)];
    first.send({ type: 'open', journal: ID });
    await first.answer('state');
    second.send({ type: 'open', journal: ID });
    await second.answer('state');
    await first.closed;
    assert.partialDeepStrictEqual(await first.answer('error'), { reason: Refusal.REPLACED });
    second.send({ type: 'ping' });
    await second.answer('pong');
  });

  test('says so when its port is taken, and listens when it is free', async (t) => {
    const { port, listener } = await stage(t);
    const tree = path.join(scratch(t), 'tree');
    ensureTree(tree);
    writeListening(tree, { host: '127.0.0.1', port, secret: SECRET, leaseMillis: 60_000 });
    const log: string[] = [];
    const second = Listener.open(tree, (message) => log.push(message));
    t.after(() => second?.close());
    await until('an error', () => second?.status.error?.includes('EADDRINUSE'));
    assert.equal(second?.status.state, 'away');
    listener.close();
    await until('listening', () => second?.status.state === 'listening');
    assert.equal(second?.status.error, undefined);
    assert.equal(log.length, 1);
  });
});
