/**
 * JSON with sorted keys: the same text for the same configuration, whatever the order of its keys (seed: `sort_keys`). What
 * JSON has no word for gets one of its own, so that a wrong configuration is never taken for a right one. Never throws for
 * plain data.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value, []));
}

function sorted(value: unknown, around: readonly object[]): unknown {
  if (isForeign(value)) return `\0${String(value)}`;
  if (typeof value !== 'object' || value === null) return value;
  if (around.includes(value)) return '\0cycle';
  const inside = [...around, value];
  if (Array.isArray(value)) return value.map((item) => sorted(item, inside));
  if ('toJSON' in value && typeof value.toJSON === 'function') return sorted(value.toJSON(), inside);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part, inside)]));
}

function isForeign(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return ['bigint', 'function', 'symbol'].includes(typeof value);
}
