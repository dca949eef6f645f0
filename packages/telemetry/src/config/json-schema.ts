/** JSON Schema (2020-12) of the blocks that hold others: both spellings of a key, each at most once. */
import { snakeCase } from './spelling.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

type Described = Readonly<Record<string, { readonly json: JsonSchema }>>;

export function objectJson(
  fields: Described,
  required: readonly string[],
  additionalProperties: boolean = false,
): JsonSchema {
  const names = Object.keys(fields);
  const properties = names.flatMap((name): [string, JsonSchema][] => {
    const { json } = fields[name];
    const snake = snakeCase(name);
    const both: [string, JsonSchema][] = [
      [snake, json],
      [name, { ...json, description: `The same as ${snake}.` }],
    ];
    return snake === name ? both.slice(0, 1) : both;
  });
  const twoSpellings = names.filter((name) => snakeCase(name) !== name);
  const rules = [
    ...twoSpellings.map((name) => ({ not: { required: [snakeCase(name), name] } })),
    ...required
      .filter((name) => twoSpellings.includes(name))
      .map((name) => ({
        anyOf: [{ required: [snakeCase(name)] }, { required: [name] }],
      })),
  ];
  const always = required.filter((name) => !twoSpellings.includes(name));
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties,
    ...(always.length === 0 ? {} : { required: always }),
    ...(rules.length === 0 ? {} : { allOf: rules }),
  };
}

/** `{type, options}` with keys that all types have `beside` them. */
export function taggedJson(
  types: Described,
  beside: Described,
  required: readonly string[],
  pattern: RegExp | undefined,
): JsonSchema {
  const known: JsonSchema = { enum: Object.keys(types) };
  const type =
    pattern === undefined ? known : { anyOf: [known, { type: 'string', pattern: pattern.source }] };
  const outer = objectJson({ type: { json: type }, options: { json: {} }, ...beside }, ['type', ...required]);
  const rules = Object.entries(types).map(([name, { json }]) => ({
    if: { properties: { type: { const: name } }, required: ['type'] },
    // Required options make the options themselves required.
    // oxlint-disable-next-line unicorn/no-thenable
    then: { properties: { options: json }, ...('required' in json ? { required: ['options'] } : {}) },
  }));
  return { ...outer, allOf: [...allOf(outer), ...rules] };
}

function allOf(schema: JsonSchema): readonly unknown[] {
  const rules = schema['allOf'];
  return Array.isArray(rules) ? rules : [];
}
