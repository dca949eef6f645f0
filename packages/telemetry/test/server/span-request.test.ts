import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { SpanBatch, SpanRecord } from '../../src/exporters/spans.ts';
import { NOBODY, unitsOf, type Request } from '../../src/server/signal.ts';
import { halveSpans, SpanRequestBuilder, spansByResource } from '../../src/server/span-request.ts';

const RESOURCES = ['a', 'b', 'c'].map((name) => ({ attributes: { name } }));

function span(name: string): SpanRecord {
  const ids = { traceId: '1'.repeat(32), spanId: '2'.repeat(16) };
  const none = {
    links: [],
    attributes: [],
    events: [],
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
  };
  const times = { start: [1, 0], end: [2, 0] } as const;
  return {
    ...ids,
    ...none,
    ...times,
    name,
    flags: 1,
    kind: 0,
    status: { code: 0 },
    scope: { name: 'tests' },
  };
}

/** Spans as `[place of the resource, journal]`. */
function requestOf(spans: readonly (readonly [number, string | undefined])[]): Request<SpanBatch> {
  const builder = new SpanRequestBuilder(spans.length);
  spans.forEach(([resource, journal], index) =>
    builder.add(RESOURCES[resource], span(`${index} ${String(journal)}`), journal),
  );
  assert.equal(builder.isFull, true);
  return builder.seal();
}

/** Whose unit each span is, as its name says, and as the request says. */
function ownersOf({ batch, owners, journals }: Request<SpanBatch>): void {
  const names = batch.resources.flatMap(({ spans }) => spans.map(({ name }) => name.split(' ')[1]));
  assert.equal(batch.spans, names.length);
  const said = Array.from(owners, (owner) => (owner === NOBODY ? 'undefined' : journals[owner]));
  assert.deepEqual(said, names);
}

const spansOf = ({ batch }: Request<SpanBatch>): string[] =>
  batch.resources.flatMap(({ resource, spans }) =>
    spans.map(({ name }) => `${JSON.stringify(resource.attributes)} ${name}`),
  );

const anySpans = fc.array(fc.tuple(fc.nat({ max: 2 }), fc.constantFrom('x', 'y', undefined)), {
  minLength: 2,
  maxLength: 30,
});

suite('a request of spans', () => {
  test('knows whose each span is, and is cut without losing any', () => {
    fc.assert(
      fc.property(anySpans, (spans) => {
        const whole = requestOf(spans);
        ownersOf(whole);
        const halves = halveSpans(whole);
        for (const half of halves) {
          ownersOf(half);
          assert.ok(half.batch.spans > 0);
        }
        assert.deepEqual(halves.flatMap(spansOf), spansOf(whole));
        const parts = spansByResource(whole);
        for (const part of parts) {
          ownersOf(part);
          assert.equal(part.batch.resources.length, 1);
        }
        assert.deepEqual(parts.flatMap(spansOf), spansOf(whole));
        const units = [...unitsOf(whole).values()].reduce((sum, count) => sum + count, 0);
        assert.equal(units, spans.filter(([, journal]) => journal !== undefined).length);
      }),
    );
  });

  test('starts anew when it is sealed', () => {
    const builder = new SpanRequestBuilder(10);
    builder.add(RESOURCES[0], span('0 x'), 'x');
    assert.equal(builder.isEmpty, false);
    builder.seal();
    assert.equal(builder.isEmpty, true);
    builder.add(RESOURCES[1], span('0 y'), 'y');
    ownersOf(builder.seal());
  });

  test('is full when its spans are large', () => {
    const builder = new SpanRequestBuilder(1000);
    const large = { ...span('0 x'), attributes: [['text', 'x'.repeat(1024 * 1024)]] as const };
    for (let count = 0; count < 4; count++) {
      assert.equal(builder.isFull, false);
      builder.add(RESOURCES[0], large, 'x');
    }
    assert.equal(builder.isFull, true);
  });
});
