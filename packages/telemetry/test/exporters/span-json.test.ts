import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { encodeSpansJson } from '../../src/exporters/span-json.ts';
import { OTHER_RESOURCE, RESOURCE, SECONDS } from './batches.ts';
import { FULL_SPAN, span, spanBatchOf, TRACE_ID } from './span-batches.ts';

suite('spans as OTLP JSON', () => {
  test('spans of several processes, each under its own resource and scope', () => {
    const batch = spanBatchOf(
      [RESOURCE, [span('a'), span('b', { scope: { name: 'other' } }), span('c')]],
      [OTHER_RESOURCE, [span('d')]],
    );
    const { resourceSpans } = JSON.parse(encodeSpansJson(batch)) as Record<string, any[]>;
    const found = resourceSpans.map(({ schemaUrl, scopeSpans }) => [
      schemaUrl,
      scopeSpans.map(({ scope, spans }: any) => [scope, spans.map(({ name }: any) => name)]),
    ]);
    assert.deepEqual(found, [
      [
        RESOURCE.schemaUrl,
        [
          [{ name: 'storage', version: '1.2.3' }, ['a', 'c']],
          [{ name: 'other' }, ['b']],
        ],
      ],
      [undefined, [[{ name: 'storage', version: '1.2.3' }, ['d']]]],
    ]);
  });

  test('ids in hexadecimal digits, 64-bit integers as strings, enumerations as numbers', () => {
    const text = encodeSpansJson(spanBatchOf([RESOURCE, [FULL_SPAN]]));
    assert.ok(!text.includes('\n'));
    assert.deepEqual(JSON.parse(text).resourceSpans[0].scopeSpans[0].spans[0], {
      traceId: TRACE_ID,
      spanId: 'b7ad6b7169203331',
      traceState: 'vendor=a,other=b',
      parentSpanId: '00f067aa0ba902b7',
      flags: 0x301,
      name: 'copy',
      kind: 3,
      startTimeUnixNano: `${SECONDS}999999999`,
      endTimeUnixNano: `${SECONDS + 2}123456789`,
      attributes: [
        { key: 'key', value: { stringValue: 'a/b' } },
        { key: 'ok', value: { boolValue: true } },
        { key: 'parts', value: { arrayValue: { values: [{ intValue: '1' }, { intValue: '2' }] } } },
        { key: 'ratio', value: { doubleValue: 0.5 } },
        { key: 'size', value: { intValue: '9007199254740992' } },
      ],
      droppedAttributesCount: 1,
      events: [
        {
          timeUnixNano: `${SECONDS + 1}000000005`,
          name: 'retry',
          attributes: [{ key: 'attempt', value: { intValue: '2' } }],
          droppedAttributesCount: 4,
        },
      ],
      droppedEventsCount: 2,
      links: [
        {
          traceId: 'c91308c112be8448dd34dc6191567fa0',
          spanId: '1111111111111111',
          traceState: 'vendor=c',
          attributes: [{ key: 'why', value: { stringValue: 'batch' } }],
          droppedAttributesCount: 5,
          flags: 0x101,
        },
      ],
      droppedLinksCount: 3,
      status: { message: 'no space', code: 2 },
    });
  });

  test('what is not there is left out', () => {
    const [found] = JSON.parse(encodeSpansJson(spanBatchOf([RESOURCE, [span('a')]]))).resourceSpans[0]
      .scopeSpans[0].spans;
    assert.deepEqual(Object.keys(found), [
      'traceId',
      'spanId',
      'flags',
      'name',
      'kind',
      'startTimeUnixNano',
      'endTimeUnixNano',
      'status',
    ]);
    assert.deepEqual(found.status, {});
  });
});
