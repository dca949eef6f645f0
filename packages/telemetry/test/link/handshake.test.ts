import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { TelemetryError } from '../../src/errors.ts';
import { Handshake, type SessionKeys } from '../../src/link/handshake.ts';
import { errorOf } from '../telemetry-error.ts';
import { chunked } from './arbitraries.ts';

const SECRET = Buffer.from('a secret of this test');
const GREETING = 40;
const PROOF = 32;

interface Conversation {
  /** HELLO and PROOF of the client; CHALLENGE and PROOF of the server. */
  readonly fromClient: Uint8Array;
  readonly fromServer: Uint8Array;
  readonly clientKeys: SessionKeys;
  readonly serverKeys: SessionKeys;
}

function converse(
  client = new Handshake('client', SECRET),
  server = new Handshake('server', SECRET),
): Conversation {
  const challenge = server.push(client.first);
  const proof = client.push(challenge.reply);
  const accepted = server.push(proof.reply);
  const ready = client.push(accepted.reply);
  assert.ok(accepted.done !== undefined && ready.done !== undefined);
  return {
    fromClient: Buffer.concat([client.first, proof.reply]),
    fromServer: Buffer.concat([challenge.reply, accepted.reply]),
    clientKeys: ready.done.keys,
    serverKeys: accepted.done.keys,
  };
}

/** Talks to a server that knows the secret; what it says, and why it ends. */
function attack(...chunks: readonly Uint8Array[]): { said: Uint8Array; code?: string; isIn: boolean } {
  const server = new Handshake('server', SECRET);
  const said: Uint8Array[] = [];
  try {
    for (const chunk of chunks) {
      const { reply, done } = server.push(chunk);
      said.push(reply);
      if (done !== undefined) return { said: Buffer.concat(said), isIn: true };
    }
  } catch (error) {
    assert.ok(error instanceof TelemetryError);
    return { said: Buffer.concat(said), code: error.code, isIn: false };
  }
  return { said: Buffer.concat(said), isIn: false };
}

describe('the handshake', () => {
  test('gives both sides the same keys, one for each direction, and others each time', () => {
    const first = converse();
    assert.deepEqual(first.clientKeys.send, first.serverKeys.receive);
    assert.deepEqual(first.clientKeys.receive, first.serverKeys.send);
    assert.notDeepEqual(first.clientKeys.send, first.clientKeys.receive);
    assert.notDeepEqual(converse().clientKeys, first.clientKeys);
  });

  test('is what LINK.md says', () => {
    const { fromClient, fromServer } = converse(
      new Handshake('client', SECRET, new Uint8Array(32).fill(1)),
      new Handshake('server', SECRET, new Uint8Array(32).fill(2)),
    );
    const hello = [...Buffer.from('MSCL'), 1, 1, 0, 0, ...new Uint8Array(32).fill(1)];
    const challenge = [...Buffer.from('MSCL'), 1, 2, 0, 0, ...new Uint8Array(32).fill(2)];
    const proof = (role: string): Uint8Array =>
      createHmac('sha256', SECRET)
        .update(`msc-telemetry link 1 ${role}`)
        .update(Uint8Array.from([...hello, ...challenge]))
        .digest();
    assert.deepEqual([...fromClient], [...hello, ...proof('client')]);
    assert.deepEqual([...fromServer], [...challenge, ...proof('server')]);
  });

  test('takes what comes in any chunks, and leaves what comes behind it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 10 }), fc.uint8Array({ maxLength: 20 }), (cuts, more) => {
        const client = new Handshake('client', SECRET);
        const server = new Handshake('server', SECRET);
        const challenge = chunked(client.first, cuts).map((chunk) => server.push(chunk).reply);
        const proof = Buffer.concat(
          chunked(Buffer.concat(challenge), cuts).map((chunk) => client.push(chunk).reply),
        );
        assert.equal(proof.length, PROOF);
        const { done } = server.push(Buffer.concat([proof, more]));
        assert.deepEqual([...(done?.rest ?? [])], [...more]);
      }),
    );
  });

  test('tells nobody anything who does not know the secret', () => {
    const client = new Handshake('client', Buffer.from('another secret'));
    const server = new Handshake('server', SECRET);
    const { reply: challenge } = server.push(client.first);
    const { reply: proof } = client.push(challenge);
    assert.equal(errorOf(() => server.push(proof)).code, 'MSC_LINK_REFUSED');
    const { said, code } = attack(client.first, proof);
    assert.deepEqual([said.length, code], [GREETING, 'MSC_LINK_REFUSED']);
  });

  test('is not convinced by what it has heard before, or has said itself', () => {
    const { fromClient, fromServer } = converse();
    const replayed = attack(fromClient);
    assert.deepEqual([replayed.code, replayed.isIn], ['MSC_LINK_REFUSED', false]);
    // What the server says is sent back to it.
    const reflected = attack(fromServer);
    assert.deepEqual([reflected.said.length, reflected.code], [0, 'MSC_LINK_MALFORMED']);
    const server = new Handshake('server', SECRET);
    const { reply } = server.push(fromClient.subarray(0, GREETING));
    assert.equal(errorOf(() => server.push(reply.subarray(0, PROOF))).code, 'MSC_LINK_REFUSED');
    // A server that does not know the secret lets the client talk to itself.
    const client = new Handshake('client', SECRET);
    assert.equal(errorOf(() => client.push(client.first)).code, 'MSC_LINK_MALFORMED');
    const other = new Handshake('client', SECRET);
    const { reply: proof } = other.push(fromServer.subarray(0, GREETING));
    assert.equal(errorOf(() => other.push(proof)).code, 'MSC_LINK_REFUSED');
  });

  test('says nothing to what is cut short, and remembers at most one message of it', () => {
    const { fromClient } = converse();
    for (let length = 0; length < GREETING; length++) {
      assert.deepEqual(attack(fromClient.subarray(0, length)), { said: Buffer.alloc(0), isIn: false });
    }
    for (let length = GREETING; length < GREETING + PROOF; length++) {
      const { said, code, isIn } = attack(fromClient.subarray(0, length));
      assert.deepEqual([said.length, code, isIn], [GREETING, undefined, false]);
    }
  });

  test('refuses another version, and another protocol at its first byte', () => {
    const { fromClient } = converse();
    assert.equal(attack(fromClient.with(4, 2)).code, 'MSC_LINK_MALFORMED');
    assert.equal(attack(Buffer.from('G')).code, 'MSC_LINK_MALFORMED');
    assert.equal(attack(Buffer.from('MS'), Buffer.from('X')).code, 'MSC_LINK_MALFORMED');
  });

  test('anything at all is refused', () => {
    const start = converse().fromClient.subarray(0, GREETING);
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 5 }),
        fc.boolean(),
        (chunks, greets) => {
          assert.equal(attack(...(greets ? [start] : []), ...chunks).isIn, false);
        },
      ),
    );
  });
});
