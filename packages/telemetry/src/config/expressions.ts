/**
 * Attributes of the type `msc_config`: JMESPath over the whole configuration, evaluated once, when it is resolved, because
 * the value is a function of the file alone.
 *
 * In: `{attributes: {key: {expression}}}` and the configuration. Out: plain attributes, as of the type `static`.
 * Beside the functions of JMESPath there is `hash(algorithm, value)`, a hex digest. `null` leaves an attribute out.
 * On failure: a problem for each expression that is wrong, or that gives what no attribute can hold.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { ATTRIBUTE_VALUE, type AttributeValue } from './attribute-value.ts';
import { inside, refuse, type Place } from './schema.ts';

type Jmespath = typeof import('@jmespath-community/jmespath', { with: { 'resolution-mode': 'require' } });
type JsonValue = import('@jmespath-community/jmespath').JSONValue;

export interface Expressions {
  readonly attributes: Readonly<Record<string, { readonly expression: string }>>;
}

/** Evaluates all expressions of one provider; `place` is that of its options. */
export function evaluateExpressions(
  { attributes }: Expressions,
  configuration: (() => unknown) | undefined,
  place: Place,
): Record<string, AttributeValue> {
  const entries = Object.entries(attributes).flatMap(([key, { expression }]): [string, AttributeValue][] => {
    const at = inside(inside(inside(place, 'attributes'), key), 'expression');
    const whole = configuration?.();
    if (whole === undefined) {
      refuse(at, expression, 'a whole configuration to evaluate it over: a file, or init({configuration})');
      return [];
    }
    const value = evaluate(expression, whole, at);
    return value === undefined ? [] : [[key, value]];
  });
  return Object.fromEntries(entries);
}

function evaluate(expression: string, configuration: unknown, place: Place): AttributeValue | undefined {
  let value: unknown;
  try {
    value = search(expression, configuration);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return refuse(place, expression, `a JMESPath expression (${reason})`);
  }
  if (value === null) return undefined;
  const problems: Place['problems'] = [];
  const read = ATTRIBUTE_VALUE.read(value, { ...place, problems });
  if (problems.length > 0) {
    const what = Array.isArray(value) ? 'another list' : typeof value;
    refuse(place, expression, `an expression that gives ${ATTRIBUTE_VALUE.expected} (it gives ${what})`);
  }
  return read;
}

let interpreter: { compile: Jmespath['compile']; tree: Jmespath['TreeInterpreter'] } | undefined;

/** An interpreter of our own: functions that are registered through the module are there for the whole program. */
function search(expression: string, configuration: unknown): unknown {
  if (interpreter === undefined) {
    const jmespath: Jmespath = createRequire(import.meta.url)('@jmespath-community/jmespath');
    const { compile, TreeInterpreter, TYPE_STRING } = jmespath;
    const tree: Jmespath['TreeInterpreter'] = Reflect.construct(TreeInterpreter.constructor, []);
    const twoTexts = [{ types: [TYPE_STRING] }, { types: [TYPE_STRING] }];
    tree.runtime.registerFunction(
      'hash',
      ([algorithm, value]) => hash(algorithm as string, value as string),
      twoTexts,
    );
    interpreter = { compile, tree };
  }
  return interpreter.tree.search(interpreter.compile(expression), configuration as JsonValue);
}

/** Python's names with an underscore (`sha3_256`) are understood as well. */
function hash(algorithm: string, value: string): string {
  try {
    return createHash(algorithm.replaceAll('_', '-')).update(value).digest('hex');
  } catch {
    throw new Error(`hash: unknown algorithm ${algorithm}`);
  }
}
