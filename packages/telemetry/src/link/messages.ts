/**
 * Messages of the link, as values and as bytes. Free of I/O; `LINK.md` is normative.
 *
 * In: a message; or the body of one that was proven. Out: bytes; or the message in them.
 * Invariant: what is decoded encodes to the same bytes.
 * On failure: a body that is none throws a TelemetryError `MSC_LINK_MALFORMED`, and nothing else.
 */
import { TelemetryError } from '../errors.ts';

const Type = {
  OPEN: 1,
  DEFINE: 2,
  FRAMES: 3,
  FINAL: 4,
  FORGET: 5,
  FLUSH: 6,
  PING: 7,
  STATE: 16,
  FLUSHED: 17,
  PONG: 18,
  ERROR: 19,
} as const;

/** Why a server ends a connection. */
export const Refusal = {
  /** The client broke the rules of `LINK.md`. */
  PROTOCOL: 1,
  /** What was sent cannot be written at the moment. */
  ROOM: 2,
  /** Another connection carries this journal now. */
  REPLACED: 3,
  /** The server ends, or has as many clients as it takes. */
  BUSY: 4,
} as const;
export type Refusal = (typeof Refusal)[keyof typeof Refusal];

/** From the client. `journal` is its id: 32 hexadecimal digits. */
export type Order =
  /** How far is the server with this journal? */
  | { readonly type: 'open'; readonly journal: string }
  /** Whole frames of the journal's definitions, from `offset` on. */
  | { readonly type: 'define'; readonly journal: string; readonly offset: number; readonly bytes: Uint8Array }
  /** Whole frames of its segments. */
  | { readonly type: 'frames'; readonly journal: string; readonly bytes: Uint8Array }
  /** Nothing more comes of it: its writer ended at this epoch time. */
  | { readonly type: 'final'; readonly journal: string; readonly endedAtMillis: number }
  /** The client has deleted it, and never asks for it again. */
  | { readonly type: 'forget'; readonly journal: string }
  /** Export a configuration, named by its digest, now. */
  | { readonly type: 'flush'; readonly token: number; readonly digest: string }
  | { readonly type: 'ping' };

/** From the server. */
export type Answer =
  /** How far it is: what it has written to its own journal. Answers `open`, `define`, `frames` and `final`. */
  | {
      readonly type: 'state';
      readonly journal: string;
      readonly isEnded: boolean;
      /** Of the last frame. */
      readonly sequence: number;
      readonly definitionsBytes: number;
    }
  | { readonly type: 'flushed'; readonly token: number; readonly isDone: boolean }
  | { readonly type: 'pong' }
  | { readonly type: 'error'; readonly reason: number; readonly text: string };

export type Message = Order | Answer;

const ID_BYTES = 16;
const DIGEST_BYTES = 8;
const MAX_TEXT_BYTES = 1024;

/** The body of a message: four bytes of type and what follows from it. */
export function encodeMessage(message: Message): Uint8Array {
  switch (message.type) {
    case 'open':
      return body(Type.OPEN, [hex(message.journal)]);
    case 'define':
      return body(Type.DEFINE, [hex(message.journal), number(message.offset), message.bytes]);
    case 'frames':
      return body(Type.FRAMES, [hex(message.journal), message.bytes]);
    case 'final':
      return body(Type.FINAL, [hex(message.journal), number(message.endedAtMillis)]);
    case 'forget':
      return body(Type.FORGET, [hex(message.journal)]);
    case 'flush':
      return body(Type.FLUSH, [number(message.token), hex(message.digest)]);
    case 'ping':
      return body(Type.PING, []);
    case 'state': {
      const { journal, isEnded, sequence, definitionsBytes } = message;
      return body(Type.STATE, [
        hex(journal),
        number(Number(isEnded)),
        number(sequence),
        number(definitionsBytes),
      ]);
    }
    case 'flushed':
      return body(Type.FLUSHED, [number(message.token), number(Number(message.isDone))]);
    case 'pong':
      return body(Type.PONG, []);
    default:
      return body(Type.ERROR, [
        number(message.reason),
        Buffer.from(message.text).subarray(0, MAX_TEXT_BYTES),
      ]);
  }
}

/** @throws TelemetryError `MSC_LINK_MALFORMED`. */
export function decodeMessage(bytes: Uint8Array): Message {
  const fields = new Fields(bytes);
  const message = decodeFields(fields.type(), fields);
  fields.end();
  return message;
}

function decodeFields(type: number, fields: Fields): Message {
  switch (type) {
    case Type.OPEN:
      return { type: 'open', journal: fields.hex(ID_BYTES) };
    case Type.DEFINE:
      return { type: 'define', journal: fields.hex(ID_BYTES), offset: fields.number(), bytes: fields.rest() };
    case Type.FRAMES:
      return { type: 'frames', journal: fields.hex(ID_BYTES), bytes: fields.rest() };
    case Type.FINAL:
      return { type: 'final', journal: fields.hex(ID_BYTES), endedAtMillis: fields.number() };
    case Type.FORGET:
      return { type: 'forget', journal: fields.hex(ID_BYTES) };
    case Type.FLUSH:
      return { type: 'flush', token: fields.number(), digest: fields.hex(DIGEST_BYTES) };
    case Type.PING:
      return { type: 'ping' };
    case Type.STATE:
      return {
        type: 'state',
        journal: fields.hex(ID_BYTES),
        isEnded: fields.boolean(),
        sequence: fields.number(),
        definitionsBytes: fields.number(),
      };
    case Type.FLUSHED:
      return { type: 'flushed', token: fields.number(), isDone: fields.boolean() };
    case Type.PONG:
      return { type: 'pong' };
    case Type.ERROR:
      return { type: 'error', reason: fields.number(), text: fields.text() };
    default:
      throw malformed(`message type ${type}`, 'one of version 1');
  }
}

/** The error for bytes that break the rules. */
export function malformed(value: string, expected: string): TelemetryError {
  const problem = { path: 'link', value, expected };
  return new TelemetryError('MSC_LINK_MALFORMED', `link: got ${value}, expected ${expected}`, [problem]);
}

/** Reads one field after the other. */
class Fields {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  type(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  number(): number {
    const at = this.#take(8);
    const value = this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
    if (!Number.isSafeInteger(value)) throw malformed(`number ${value}`, 'less than 2^53');
    return value;
  }

  boolean(): boolean {
    const value = this.number();
    if (value > 1) throw malformed(`number ${value}`, '0 or 1');
    return value === 1;
  }

  hex(length: number): string {
    const at = this.#take(length);
    return Buffer.from(this.#bytes.subarray(at, at + length)).toString('hex');
  }

  rest(): Uint8Array {
    const rest = this.#bytes.subarray(this.#at);
    this.#at = this.#bytes.length;
    return rest;
  }

  text(): string {
    const rest = this.rest();
    if (rest.length > MAX_TEXT_BYTES)
      throw malformed(`${rest.length} bytes of text`, `at most ${MAX_TEXT_BYTES}`);
    return Buffer.from(rest).toString();
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw malformed(`${left} bytes behind a message`, 'none');
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length)
      throw malformed(`a message of ${this.#bytes.length} bytes`, 'a whole one');
    this.#at += length;
    return at;
  }
}

function body(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, type, true);
  return Buffer.concat([bytes, ...parts]);
}

function number(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, value % 2 ** 32, true);
  view.setUint32(4, Math.floor(value / 2 ** 32), true);
  return bytes;
}

const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');
