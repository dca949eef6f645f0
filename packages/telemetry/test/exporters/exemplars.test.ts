import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withExemplars } from '../../src/exporters/exemplars.ts';
import type { Exemplar, GaugePoints, NumberSeries } from '../../src/exporters/exporter.ts';
import { encodeProtobuf } from '../../src/exporters/otlp-encode.ts';
import { encodeJson } from '../../src/exporters/otlp-json.ts';
import { batchOf, gauge, histogram, OTHER_RESOURCE, SECONDS, sum } from './batches.ts';
import { Message } from './protobuf.ts';

const exemplar = (digit: string): Exemplar => ({ traceId: digit.repeat(32), spanId: digit.repeat(16) });

function traced(exemplars: readonly (Exemplar | undefined)[], over: Partial<GaugePoints> = {}): GaugePoints {
  const plain = gauge(
    exemplars.map((_, index) => index + 0.5),
    over,
  );
  return { ...plain, series: plain.series.map((series): NumberSeries => ({ ...series, exemplars })) };
}

const pointsOf = (message: Message, at: number): Message[] => message.only(2).all(2)[at].only(5).all(1);

/** A long description: lengths that take more than one byte. */
const DESCRIPTION = { descriptor: { ...gauge([]).descriptor, description: 'x'.repeat(20_000) } };
const METRICS = [
  sum(1),
  traced([undefined, exemplar('a'), undefined, exemplar('b')]),
  histogram(),
  gauge([1, 2]),
  traced([exemplar('c')], { resource: OTHER_RESOURCE, ...DESCRIPTION }),
];

describe('exemplars', () => {
  test('are behind their points, with the time and value of the point', () => {
    const [first, second] = new Message(encodeProtobuf(batchOf(...METRICS))).all(1);
    const found = [...pointsOf(first, 1), ...pointsOf(first, 3), ...pointsOf(second, 0)].map((point) =>
      point.all(5).map((each) => [each.hex(5), each.hex(4), each.fixed64(2), each.double(3)]),
    );
    const base = BigInt(SECONDS) * 1_000_000_000n + 123_456_789n;
    assert.deepEqual(found, [
      [],
      [['a'.repeat(32), 'a'.repeat(16), base + 1n, 1.5]],
      [],
      [['b'.repeat(32), 'b'.repeat(16), base + 3n, 3.5]],
      [],
      [],
      [['c'.repeat(32), 'c'.repeat(16), base, 0.5]],
    ]);
  });

  test('leave everything else as it is', () => {
    const plain = METRICS.map((metric) => {
      if (metric.kind !== 'gauge') return metric;
      const series = metric.series.map((each) => {
        const { exemplars, ...others } = each;
        return exemplars === undefined ? each : others;
      });
      return { ...metric, series };
    });
    const request = encodeProtobuf(batchOf(...plain));
    assert.equal(withExemplars(request, plain), request);
    const none = plain.map((metric) => {
      if (metric.kind !== 'gauge') return metric;
      return { ...metric, series: metric.series.map((series) => ({ ...series, exemplars: [] })) };
    });
    assert.equal(withExemplars(request, none), request);
    // Each adds 48 bytes, and may make the lengths around it longer.
    const added = encodeProtobuf(batchOf(...METRICS)).length - request.length;
    assert.ok(added >= 3 * 48 && added < 3 * 48 + 3 * 5, `${added}`);
  });

  test('are in JSON lines too', () => {
    const { resourceMetrics } = JSON.parse(encodeJson(batchOf(traced([undefined, exemplar('a')])))) as {
      resourceMetrics: { scopeMetrics: { metrics: { gauge: { dataPoints: unknown[] } }[] }[] }[];
    };
    const points = resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints as Record<
      string,
      unknown
    >[];
    assert.equal('exemplars' in points[0], false);
    assert.deepEqual(points[1]['exemplars'], [
      {
        timeUnixNano: points[1]['timeUnixNano'],
        asDouble: 1.5,
        spanId: 'a'.repeat(16),
        traceId: 'a'.repeat(32),
      },
    ]);
  });
});
