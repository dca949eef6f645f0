import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import {
  decodeJson,
  encodeFrame,
  encodeFrames,
  encodeJson,
  encodeJsonFrame,
  findFrame,
  FrameType,
  HEADER_BYTES,
  MAGIC,
  MAX_PAYLOAD_BYTES,
  MORE_FOLLOWS,
  padded,
  scanFrame,
  type Frame,
  type FrameHeader,
} from '../../src/journal/frame.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const header: fc.Arbitrary<Required<FrameHeader>> = fc.record({
  type: fc.constantFrom(...Object.values(FrameType)),
  sequence: fc.maxSafeNat(),
  rows: u32,
  units: u32,
  flags: fc.integer({ min: 0, max: 0xffff }),
});
const HEADER: FrameHeader = { type: FrameType.SAMPLES, sequence: 1, rows: 0, units: 0 };

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function frameIn(bytes: Uint8Array, offset = 0): Frame {
  const found = scanFrame(bytes, viewOf(bytes), offset, bytes.length);
  assert.equal(found.status, 'frame');
  return (found as { frame: Frame }).frame;
}

const statusOf = (bytes: Uint8Array): string => scanFrame(bytes, viewOf(bytes), 0, bytes.length).status;

/** The frame with a header field changed and its CRC made right again: as a writer of nonsense would. */
function altered(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  change(viewOf(copy));
  viewOf(copy).setUint32(4, crc32(copy.subarray(8)), true);
  return copy;
}

describe('a frame', () => {
  test('comes back as it was written', () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 100 }), (given, payload) => {
        const frame = frameIn(encodeFrame(given, payload));
        const { type, sequence, rows, units, flags } = frame;
        assert.deepEqual({ type, sequence, rows, units, flags }, { ...given });
        assert.equal(frame.version, 1);
        assert.equal(frame.payload.length, padded(payload.length));
        assert.deepEqual(frame.payload.slice(0, payload.length), payload);
        assert.ok(frame.payload.slice(payload.length).every((byte) => byte === 0));
      }),
    );
  });

  test('keeps sequence numbers around 2^32 and up to 2^53', () => {
    for (const sequence of [0, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1]) {
      assert.equal(frameIn(encodeFrame({ ...HEADER, sequence }, new Uint8Array(8))).sequence, sequence);
    }
  });

  test('is aligned to 8 bytes, wherever it ends', () => {
    for (let length = 0; length < 40; length++) {
      assert.equal(padded(length) % 8, 0);
      assert.ok(padded(length) >= length && padded(length) < length + 8);
      assert.equal(encodeFrame(HEADER, new Uint8Array(length)).length, HEADER_BYTES + padded(length));
    }
  });

  test('is found where it lies, and nothing behind the end is looked at', () => {
    const frame = encodeFrame(HEADER, new Uint8Array(16));
    const bytes = Buffer.concat([Buffer.alloc(24), frame, frame]);
    assert.equal(frameIn(bytes, 24).payload.byteOffset - bytes.byteOffset, 24 + HEADER_BYTES);
    const { status } = scanFrame(bytes, viewOf(bytes), 24, 24 + frame.length - 1);
    assert.equal(status, 'incomplete');
  });

  test('of any other version is found as well: what to make of it is not the business of bytes', () => {
    const bytes = altered(encodeFrame(HEADER, new Uint8Array(8)), (view) => view.setUint8(8, 7));
    assert.equal(frameIn(bytes).version, 7);
  });
});

describe('what is not a frame', () => {
  test('is incomplete while it may become one', () => {
    const frame = encodeFrame(HEADER, new Uint8Array(24));
    for (let length = 0; length < frame.length; length++) {
      assert.equal(statusOf(frame.slice(0, length)), 'incomplete', `${length} bytes`);
    }
    assert.equal(statusOf(frame), 'frame');
  });

  test('is corrupt where no more bytes can make it one', () => {
    const frame = encodeFrame(HEADER, new Uint8Array(24));
    const cases: Record<string, Uint8Array> = {
      magic: altered(frame, (view) => view.setUint32(0, MAGIC + 1, true)),
      'length that is not aligned': altered(frame, (view) => view.setUint32(12, 23, true)),
      'length beyond the bound': altered(frame, (view) => view.setUint32(12, MAX_PAYLOAD_BYTES + 8, true)),
      'shorter than it was': altered(frame, (view) => view.setUint32(12, 16, true)),
      CRC: frame.with(4, frame[4] ^ 1),
      payload: frame.with(40, 1),
    };
    for (const [name, bytes] of Object.entries(cases)) assert.equal(statusOf(bytes), 'corrupt', name);
  });

  test('never throws, and never reports bytes that lie outside', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(220), (random, offset) => {
        const bytes = random.slice();
        if (bytes.length >= 4) viewOf(bytes).setUint32(0, MAGIC, true);
        const found = scanFrame(bytes, viewOf(bytes), offset, bytes.length);
        if (found.status === 'frame') assert.ok(found.next <= bytes.length);
      }),
    );
  });
});

describe('findFrame', () => {
  test('finds the next whole frame at a multiple of 8, whatever lies before it', () => {
    const frame = encodeFrame(HEADER, new Uint8Array(8));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (garbage, fake) => {
        const before = new Uint8Array(padded(garbage.length));
        before.set(garbage);
        if (fake && before.length >= 8) viewOf(before).setUint32(before.length - 8, MAGIC, true);
        const bytes = Buffer.concat([before, frame]);
        const found = findFrame(bytes, viewOf(bytes), 0, bytes.length);
        assert.equal(found, before.length);
      }),
    );
  });

  test('says -1 where there is none', () => {
    const bytes = encodeFrame(HEADER, new Uint8Array(8));
    assert.equal(findFrame(bytes, viewOf(bytes), 1, bytes.length), -1);
    assert.equal(findFrame(bytes, viewOf(bytes), 0, bytes.length - 1), -1);
  });
});

describe('the frames of one write', () => {
  test('are numbered on, and all but the last say that more follow', () => {
    const part = { type: FrameType.SUMS, rows: 1, units: 2, payload: new Uint8Array(8) };
    const bytes = encodeFrames([part, part, { ...part, type: FrameType.ACCOUNT }], 41);
    const frames = [0, 40, 80].map((offset) => frameIn(bytes, offset));
    assert.deepEqual(
      frames.map(({ type, sequence, flags }) => [type, sequence, flags]),
      [
        [FrameType.SUMS, 41, MORE_FOLLOWS],
        [FrameType.SUMS, 42, MORE_FOLLOWS],
        [FrameType.ACCOUNT, 43, 0],
      ],
    );
  });

  test('may be a single one', () => {
    const part = { type: FrameType.ACCOUNT, rows: 0, units: 0, payload: encodeJson({}) };
    assert.equal(frameIn(encodeFrames([part], 5)).flags, 0);
  });
});

describe('JSON in a frame', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const frame = frameIn(encodeJsonFrame({ ...HEADER, type: FrameType.DEFINITIONS }, value));
        assert.deepEqual(decodeJson(frame), JSON.parse(JSON.stringify(value)));
        assert.equal(frame.payload.length % 8, 0);
      }),
    );
  });

  test('that is none is undefined', () => {
    for (const text of ['', '{', '{} {}', '\0', '{"a":1}\0']) {
      const payload = new TextEncoder().encode(text);
      assert.equal(decodeJson(frameIn(encodeFrame(HEADER, payload))), undefined, JSON.stringify(text));
    }
  });
});
