/** Whether a value conforms to a JSON Schema, in as much of it as ours uses; throws for the rest. */
import assert from 'node:assert/strict';

type Keyword = (value: any, argument: any, schema: any) => boolean;

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  integer: Number.isInteger,
};

const KEYWORDS: Readonly<Record<string, Keyword>> = {
  type: (value, types: string | string[]) => [types].flat().some((type) => TYPES[type](value)),
  enum: (value, values: unknown[]) => values.includes(value),
  const: (value, one) => value === one,
  minLength: (value, length) => typeof value !== 'string' || value.length >= length,
  pattern: (value, pattern) => typeof value !== 'string' || new RegExp(pattern, 'u').test(value),
  minimum: (value, bound) => typeof value !== 'number' || value >= bound,
  maximum: (value, bound) => typeof value !== 'number' || value <= bound,
  exclusiveMinimum: (value, bound) => typeof value !== 'number' || value > bound,
  minItems: (value, count) => !Array.isArray(value) || value.length >= count,
  items: (value, schema) => !Array.isArray(value) || value.every((one) => conforms(one, schema)),
  required: (value, keys: string[]) => !isObject(value) || keys.every((key) => Object.hasOwn(value, key)),
  properties: (value, schemas) =>
    !isObject(value) ||
    Object.entries(value).every(
      ([key, part]) => !Object.hasOwn(schemas, key) || conforms(part, schemas[key]),
    ),
  additionalProperties: (value, schema, { properties = {} }) =>
    !isObject(value) ||
    Object.entries(value).every(([key, part]) => Object.hasOwn(properties, key) || conforms(part, schema)),
  anyOf: (value, schemas: unknown[]) => schemas.some((one) => conforms(value, one)),
  allOf: (value, schemas: unknown[]) => schemas.every((one) => conforms(value, one)),
  not: (value, schema) => !conforms(value, schema),
  if: (value, schema, { then }) => !conforms(value, schema) || conforms(value, then),
};

const ANNOTATIONS = new Set(['$schema', 'title', 'description', 'default', 'examples', 'then']);

export function conforms(value: unknown, schema: unknown): boolean {
  if (typeof schema === 'boolean') return schema;
  assert.ok(isObject(schema));
  return Object.entries(schema).every(([name, argument]) => {
    if (ANNOTATIONS.has(name)) return true;
    assert.ok(Object.hasOwn(KEYWORDS, name), `the keyword ${name}`);
    return KEYWORDS[name](value, argument, schema);
  });
}
