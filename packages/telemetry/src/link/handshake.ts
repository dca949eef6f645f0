/**
 * Handshake: both sides prove that they know the secret, and agree on keys for this connection. Free of I/O.
 *
 *   client → server  HELLO      40 bytes: "MSCL", version, role 1, 0, 0, 32 random bytes
 *   server → client  CHALLENGE  40 bytes: "MSCL", version, role 2, 0, 0, 32 random bytes
 *   client → server  PROOF      HMAC-SHA256(secret, label of the client ‖ HELLO ‖ CHALLENGE)
 *   server → client  PROOF      HMAC-SHA256(secret, label of the server ‖ HELLO ‖ CHALLENGE)
 *
 * Invariant: the server says nothing that depends on the secret before the client has proven itself; what is recorded of
 * one connection, or sent back to its sender, proves nothing in another.
 * On failure: a TelemetryError, `MSC_LINK_REFUSED` or `MSC_LINK_MALFORMED`.
 */
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { TelemetryError } from '../errors.ts';
import { malformed } from './messages.ts';

const LINK_VERSION = 1;
const MAGIC = Buffer.from('MSCL');
const NONCE_BYTES = 32;
const GREETING_BYTES = 8 + NONCE_BYTES;
const PROOF_BYTES = 32;
const LABEL = `msc-telemetry link ${LINK_VERSION}`;

export type Role = 'client' | 'server';

/** One key for each direction. */
export interface SessionKeys {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
}

export interface Step {
  /** To be sent to the other side now; may be empty. */
  readonly reply: Uint8Array;
  /** When the other side has proven itself; `rest` is the beginning of its messages. */
  readonly done?: { readonly keys: SessionKeys; readonly rest: Uint8Array };
}

export class Handshake {
  readonly #role: Role;
  readonly #secret: Uint8Array;
  readonly #own: Uint8Array;
  #theirs: Uint8Array | undefined;
  #buffer: Uint8Array = new Uint8Array(0);

  constructor(role: Role, secret: Uint8Array, nonce: Uint8Array = randomBytes(NONCE_BYTES)) {
    this.#role = role;
    this.#secret = secret;
    this.#own = Buffer.concat([MAGIC, Buffer.from([LINK_VERSION, roleNumber(role), 0, 0]), nonce]);
  }

  /** What is sent before anything has come. */
  get first(): Uint8Array {
    return this.#role === 'client' ? this.#own : new Uint8Array(0);
  }

  /** Whether the own proof has been sent: who is hung up on from now on has the wrong secret. */
  get hasProven(): boolean {
    return this.#role === 'client' && this.#theirs !== undefined;
  }

  /**
   * Takes in what came.
   * @throws TelemetryError `MSC_LINK_MALFORMED`, or `MSC_LINK_REFUSED` for a wrong proof.
   */
  push(chunk: Uint8Array): Step {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    const replies: Uint8Array[] = [];
    if (this.#theirs === undefined) {
      checkMagic(this.#buffer);
      const greeting = this.#take(GREETING_BYTES);
      if (greeting === undefined) return { reply: new Uint8Array(0) };
      this.#checkGreeting(greeting);
      this.#theirs = greeting;
      replies.push(this.#role === 'client' ? this.#proofOf('client') : this.#own);
    }
    const proof = this.#take(PROOF_BYTES);
    if (proof === undefined) return { reply: Buffer.concat(replies) };
    const other = this.#role === 'client' ? 'server' : 'client';
    if (!timingSafeEqual(proof, this.#proofOf(other))) {
      throw new TelemetryError('MSC_LINK_REFUSED', `the ${other} does not know the secret`);
    }
    if (this.#role === 'server') replies.push(this.#proofOf('server'));
    const done = { keys: this.#keys(other), rest: this.#buffer };
    return { reply: Buffer.concat(replies), done };
  }

  #take(length: number): Uint8Array | undefined {
    if (this.#buffer.length < length) return undefined;
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  #checkGreeting(greeting: Uint8Array): void {
    const [, , , , version, role] = greeting;
    if (version !== LINK_VERSION)
      throw malformed(`version ${version} of the link`, `version ${LINK_VERSION}`);
    const expected = roleNumber(this.#role === 'client' ? 'server' : 'client');
    if (role !== expected) throw malformed(`role ${role}`, `role ${expected}`);
  }

  /** HELLO and CHALLENGE, in this order on both sides. */
  get #greetings(): Uint8Array {
    const theirs = this.#theirs ?? new Uint8Array(0);
    return Buffer.concat(this.#role === 'client' ? [this.#own, theirs] : [theirs, this.#own]);
  }

  #proofOf(role: Role): Uint8Array {
    return createHmac('sha256', this.#secret).update(`${LABEL} ${role}`).update(this.#greetings).digest();
  }

  #keys(other: Role): SessionKeys {
    const key = (sender: Role): Uint8Array =>
      new Uint8Array(hkdfSync('sha256', this.#secret, this.#greetings, `${LABEL} from ${sender}`, 32));
    return { send: key(this.#role), receive: key(other) };
  }
}

const roleNumber = (role: Role): number => (role === 'client' ? 1 : 2);

/** At the first byte: what speaks another protocol is not waited for. */
function checkMagic(bytes: Uint8Array): void {
  const length = Math.min(bytes.length, MAGIC.length);
  if (!MAGIC.subarray(0, length).equals(bytes.subarray(0, length))) {
    throw malformed('another protocol', 'the link of multistorageclient telemetry');
  }
}
