import { scalar } from './scalars.ts';
import type { Schema } from './schema.ts';

type AttributeScalar = string | number | boolean;
export type AttributeValue = AttributeScalar | readonly AttributeScalar[];

const TYPES: readonly string[] = ['string', 'number', 'boolean'];
const LISTS = TYPES.map((type) => ({ type: 'array', items: { type } }));

/** What OpenTelemetry's attributes hold. */
export const ATTRIBUTE_VALUE: Schema<AttributeValue> = scalar(
  'a string, a number, true, false, or a list of one of them',
  { anyOf: [{ type: TYPES }, ...LISTS] },
  (value): value is AttributeValue =>
    isScalar(value) ||
    (Array.isArray(value) && value.every((one) => isScalar(one) && typeof one === typeof value[0])),
);

function isScalar(value: unknown): value is AttributeScalar {
  return TYPES.includes(typeof value) && (typeof value !== 'number' || Number.isFinite(value));
}
