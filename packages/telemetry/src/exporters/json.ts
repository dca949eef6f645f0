/** What `JSON.parse` gives, before anyone has looked at it. */
export function parseJson(text: string): unknown {
  return JSON.parse(text);
}

/** An object whose fields may be read by name; also arrays, class instances and module namespaces. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
