/**
 * Names of OpenTelemetry as Prometheus wants them ("Prometheus and OpenMetrics Compatibility" of the OpenTelemetry
 * specification): characters that it has no place for become `_`, the unit becomes a suffix, counters end in `_total`.
 */

const UNITS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    d: 'days',
    h: 'hours',
    min: 'minutes',
    s: 'seconds',
    ms: 'milliseconds',
    us: 'microseconds',
    ns: 'nanoseconds',
    By: 'bytes',
    KiBy: 'kibibytes',
    MiBy: 'mebibytes',
    GiBy: 'gibibytes',
    kBy: 'kilobytes',
    MBy: 'megabytes',
    GBy: 'gigabytes',
    Cel: 'celsius',
    Hz: 'hertz',
    '%': 'percent',
  }),
);

const PER: ReadonlyMap<string, string> = new Map(
  Object.entries({ s: 'second', min: 'minute', h: 'hour', d: 'day' }),
);

/** Of a metric family. */
export function metricName(name: string, unit: string, kind: 'gauge' | 'counter' | 'histogram'): string {
  const base = name
    .replaceAll(/[^a-zA-Z0-9:_]/gu, '_')
    .replaceAll(/_{2,}/gu, '_')
    .replace(/_total$/u, '');
  const suffix = unitSuffix(unit, kind);
  const withUnit = suffix === '' || base.endsWith(`_${suffix}`) ? base : `${base}_${suffix}`;
  const whole = kind === 'counter' ? `${withUnit}_total` : withUnit;
  return /^[0-9]/u.test(whole) ? `_${whole}` : whole;
}

export function labelName(key: string): string {
  const name = key.replaceAll(/[^a-zA-Z0-9_]/gu, '_').replaceAll(/_{2,}/gu, '_');
  return /^[0-9]/u.test(name) || name === '' ? `key_${name}` : name;
}

/** `{request}` and the like are remarks and no units; `1` is one of gauges only. */
function unitSuffix(unit: string, kind: string): string {
  const bare = unit.replaceAll(/\{[^}]*\}/gu, '');
  if (bare === '1') return kind === 'gauge' ? 'ratio' : '';
  const [over, under, ...more] = bare.split('/');
  if (more.length > 0) return '';
  const numerator = word(UNITS.get(over) ?? over);
  if (under === undefined || under === '') return numerator;
  const denominator = `per_${word(PER.get(under) ?? under)}`;
  return numerator === '' ? denominator : `${numerator}_${denominator}`;
}

function word(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9]+/gu, '_').replaceAll(/^_|_$/gu, '');
}
