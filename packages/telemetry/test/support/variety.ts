/**
 * Variety: a few values of everything that metrics can hold, for encodings that have to carry each of them unchanged.
 *
 * The program that records them and the test that looks for them read the same table, so nobody asks the product.
 */
import { ValueType, type Attributes } from '@opentelemetry/api';

export interface Various {
  readonly kind: 'gauge' | 'counter' | 'up_down_counter' | 'histogram';
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly valueType: ValueType;
  readonly attributes: Attributes;
  /** Recorded one after the other. */
  readonly values: readonly number[];
}

export const SCOPE = { name: 'variety', version: '1.2.3', schemaUrl: 'https://example.org/schemas/1.2.3' };
export const SERVICE_NAME = 'variété';
export const BOUNDARIES: readonly number[] = [0, 0.5, 10, 1e300];
/** Operations of each outcome, and the bytes of one. */
export const OPERATIONS: Readonly<Record<'succeeded' | 'failed' | 'bytes', number>> = {
  succeeded: 3,
  failed: 2,
  bytes: 2 ** 40 + 1,
};

export const TEXT = 'größer – 日本 \u{1f600} "quoted" \\ \t\n\u0001';
/** One of each type. */
export const ATTRIBUTES: Attributes = {
  text: TEXT,
  empty: '',
  whole: 3,
  negative: -7,
  large: Number.MAX_SAFE_INTEGER,
  fraction: 0.1,
  yes: true,
  no: false,
  texts: ['a', TEXT],
  numbers: [1, 2.5, -3],
  flags: [true, false],
  none: [],
};

export const VARIETY: readonly Various[] = [
  {
    kind: 'gauge',
    name: 'variety.double',
    unit: 'By/s',
    description: `a gauge: ${TEXT}`,
    valueType: ValueType.DOUBLE,
    attributes: ATTRIBUTES,
    values: [
      0,
      -0,
      1,
      -1.5,
      0.1 + 0.2,
      5e-324,
      -Number.MAX_VALUE,
      Number.MAX_VALUE,
      2 ** 53 + 2,
      1e21,
      NaN,
      Infinity,
      -Infinity,
    ],
  },
  {
    kind: 'gauge',
    name: 'variety.double',
    unit: 'By/s',
    description: `a gauge: ${TEXT}`,
    valueType: ValueType.DOUBLE,
    attributes: {},
    values: Array.from({ length: 20_000 }, (_, index) => index / 8),
  },
  {
    kind: 'gauge',
    name: 'variety.int',
    unit: '',
    description: '',
    valueType: ValueType.INT,
    attributes: { whole: -(2 ** 53) },
    values: [0, 1, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 62, -(2 ** 63)],
  },
  {
    kind: 'counter',
    name: 'multistorageclient.variety.count',
    unit: '{thing}',
    description: 'of the tree',
    valueType: ValueType.INT,
    attributes: ATTRIBUTES,
    values: [1, 2 ** 40, 0, 5],
  },
  {
    kind: 'up_down_counter',
    name: 'variety.level',
    unit: 's',
    description: 'of one process',
    valueType: ValueType.DOUBLE,
    attributes: { no: false },
    values: [0.5, -2.25, 1e-9],
  },
  {
    kind: 'histogram',
    name: 'variety.distribution',
    unit: 'ms',
    description: 'with boundaries of its own',
    valueType: ValueType.DOUBLE,
    attributes: ATTRIBUTES,
    values: [0, 0.25, 0.5, 0.75, 10, 11, 1e300, 1.5e300],
  },
];
