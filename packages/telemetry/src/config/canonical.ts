/**
 * JSON with sorted keys: the same text for the same configuration, whatever the order of its keys (seed: `sort_keys`). What
 * JSON has no word for gets one of its own, so that a wrong configuration is never taken for a right one.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (isForeign(part)) return `\0${String(part)}`;
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function isForeign(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return ['bigint', 'function', 'symbol'].includes(typeof value);
}
