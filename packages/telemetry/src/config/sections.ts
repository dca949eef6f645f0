/**
 * The description of an MSC configuration, as far as telemetry reads it: what is validated, and what `config.schema.json`
 * is generated from.
 *
 * In: blocks of schema.ts. Out: one schema for each section. The exporter's options are checked where the exporter is
 * resolved, because only there are the environment and the program known.
 */
import { READER_OPTIONS, type ReaderOptions } from '../readers/intervals.ts';
import { ATTRIBUTE_VALUE, type AttributeValue } from './attribute-value.ts';
import { boundaries, choice, integer, millis, plainData, share, text, truth } from './scalars.ts';
import {
  anything,
  described,
  list,
  map,
  object,
  open,
  tagged,
  type Fields,
  type Schema,
  type Tagged,
} from './schema.ts';
import { DEFAULT_CARDINALITY_LIMIT, DEFAULT_PROMETHEUS, type ResamplingPolicy } from './signals.ts';
import { snakeCase } from './spelling.ts';

type Nothing = Readonly<Record<string, never>>;

interface ResamplingOptions {
  readonly none: Nothing;
  readonly last_value: Nothing;
  readonly decimation: { readonly factor: number };
  readonly exponential_histogram: { readonly maxSize?: number; readonly maxScale?: number };
  readonly explicit_bucket_histogram: { readonly boundaries: readonly number[] };
}

export type GivenPolicy = Tagged<ResamplingOptions>;
export type GivenInstrument = GivenPolicy & { readonly name: string };
export type GivenResampling = GivenPolicy & {
  readonly instruments?: readonly (GivenInstrument | undefined)[];
};

export const MAX_BUCKETS = 160;
export const MAX_SCALE = 20;

const NOTHING = object<Nothing>({});
const POLICIES: { readonly [Type in ResamplingPolicy['type']]: Schema<ResamplingOptions[Type]> } = {
  none: NOTHING,
  last_value: NOTHING,
  decimation: object<{ factor: number }>(
    { factor: described(integer(2), 'Of so many samples of a series one is kept.') },
    ['factor'],
  ),
  exponential_histogram: object<{ maxSize?: number; maxScale?: number }>({
    maxSize: described(
      integer(2, 512),
      'Buckets of positive values, and of negative ones, at most.',
      MAX_BUCKETS,
    ),
    maxScale: described(
      integer(-10, 20),
      'Scale to begin with: the higher, the narrower a bucket.',
      MAX_SCALE,
    ),
  }),
  explicit_bucket_histogram: object<{ boundaries: readonly number[] }>(
    { boundaries: described(boundaries(), "Upper bounds of the buckets, in the instrument's unit.") },
    ['boundaries'],
  ),
};

const INSTRUMENT: Schema<GivenInstrument> = tagged<ResamplingOptions, { name: string }>(POLICIES, {
  fields: {
    name: described(
      text('the name of an instrument, or a pattern with * and ?'),
      'Of the instrument; * is any run of characters, ? is any one.',
    ),
  },
  required: ['name'],
});

const RESAMPLING: Schema<GivenResampling> = tagged<
  ResamplingOptions,
  { instruments?: readonly (GivenInstrument | undefined)[] }
>(POLICIES, {
  fields: {
    instruments: described(list(INSTRUMENT), 'The first whose name fits an instrument holds for it.'),
  },
});

type Attributes<T> = { readonly attributes: Readonly<Record<string, T>> };
interface ProviderOptions {
  readonly static: Attributes<AttributeValue>;
  readonly host: Attributes<'name'>;
  readonly process: Attributes<'pid'>;
  readonly thread: Attributes<'ident' | 'native_id'>;
  readonly environment_variables: Attributes<string>;
  readonly msc_config: Attributes<{ readonly expression: string }>;
}

export type GivenProvider = Tagged<ProviderOptions>;

function attributes<T>(value: Schema<T>): Schema<Attributes<T>> {
  return object<Attributes<T>>({ attributes: map(value) }, ['attributes']);
}

const EXPRESSION = object<{ expression: string }>({ expression: text('a JMESPath expression') }, [
  'expression',
]);

const PROVIDER: Schema<GivenProvider> = tagged<ProviderOptions>(
  {
    static: attributes(ATTRIBUTE_VALUE),
    host: attributes(choice('name')),
    process: attributes(choice('pid')),
    thread: attributes(choice('ident', 'native_id')),
    environment_variables: attributes(text('the name of an environment variable')),
    msc_config: attributes(EXPRESSION),
  },
  { other: { pattern: /^.+#[^#]+$/s, expected: 'module#Class', options: map(plainData()) } },
);

export interface GivenPrometheus {
  readonly host?: string;
  readonly port?: number;
}

export interface GivenMetrics {
  /** As it was written: `resolveExporter` checks it. */
  readonly exporter?: unknown;
  readonly reader?: { readonly options?: ReaderOptions; readonly async?: boolean };
  readonly resampling?: GivenResampling;
  readonly attributes?: readonly (GivenProvider | undefined)[];
  readonly cardinalityLimit?: number;
  readonly selfTelemetry?: boolean;
  readonly prometheus?: { readonly options?: GivenPrometheus };
}

/** For editors; the rest is a class of the program. */
const EXPORTERS = ['otlp', 'console', 'file', 'prometheus', '_otlp_msal', '_otlp_mtls_vault'];

const EXPORTER = anything({
  description: 'Where it goes: a built-in exporter, or a class of the program as module#Class.',
  type: 'object',
  properties: {
    type: { type: 'string', examples: EXPORTERS },
    options: { type: 'object' },
  },
  required: ['type'],
  additionalProperties: false,
});

export const METRICS: Schema<GivenMetrics> = object<GivenMetrics>({
  exporter: EXPORTER,
  reader: object<NonNullable<GivenMetrics['reader']>>({
    options: READER_OPTIONS,
    async: described(truth(), 'Accepted for the original; recording never waits here.'),
  }),
  resampling: described(RESAMPLING, 'What becomes of raw samples of gauges.', { type: 'none' }),
  attributes: described(list(PROVIDER), 'Attributes of everything that is recorded; later ones win.'),
  cardinalityLimit: described(integer(1), 'Attribute sets of one instrument.', DEFAULT_CARDINALITY_LIMIT),
  selfTelemetry: described(truth(), "Whether the telemetry server's own metrics are exported too.", true),
  prometheus: object<NonNullable<GivenMetrics['prometheus']>>({
    options: object<GivenPrometheus>({
      host: described(
        text('a host name or an address'),
        'Where /metrics is served.',
        DEFAULT_PROMETHEUS.host,
      ),
      port: described(integer(0, 65_535), '0 takes any free port.', DEFAULT_PROMETHEUS.port),
    }),
  }),
});

export interface GivenProcessor {
  readonly scheduleDelayMillis?: number;
  readonly exportTimeoutMillis?: number;
  readonly maxExportBatchSize?: number;
}

/** In the words of `OTEL_TRACES_SAMPLER`. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

interface SamplerOptions {
  readonly always_on: Nothing;
  readonly always_off: Nothing;
  readonly traceidratio: { readonly ratio?: number };
  readonly parentbased_always_on: Nothing;
  readonly parentbased_always_off: Nothing;
  readonly parentbased_traceidratio: { readonly ratio?: number };
}

export interface GivenTraces {
  /** As it was written: `resolveExporter` checks it. */
  readonly exporter?: unknown;
  readonly sampler?: Tagged<SamplerOptions>;
  readonly processor?: { readonly options?: GivenProcessor };
}

const RATIO = object<{ ratio?: number }>({
  ratio: described(share(), 'Share of the traces that are kept. Default: OTEL_TRACES_SAMPLER_ARG, else 1.'),
});

export const TRACES: Schema<GivenTraces> = object<GivenTraces>({
  exporter: EXPORTER,
  sampler: described(
    tagged<SamplerOptions>({
      always_on: NOTHING,
      always_off: NOTHING,
      traceidratio: RATIO,
      parentbased_always_on: NOTHING,
      parentbased_always_off: NOTHING,
      parentbased_traceidratio: RATIO,
    }),
    'Default: OTEL_TRACES_SAMPLER, else parentbased_always_on.',
  ),
  processor: object<NonNullable<GivenTraces['processor']>>({
    options: object<GivenProcessor>({
      scheduleDelayMillis: described(
        millis(),
        'Milliseconds from one export to the next. Default: OTEL_BSP_SCHEDULE_DELAY, else 5000.',
      ),
      exportTimeoutMillis: described(
        millis(),
        'Milliseconds that one export may take. Default: OTEL_BSP_EXPORT_TIMEOUT, else 30000.',
      ),
      maxExportBatchSize: described(
        integer(1),
        'Spans of one request at most. Default: OTEL_BSP_MAX_EXPORT_BATCH_SIZE, else 512.',
      ),
    }),
  }),
});

/** Of an MSC configuration; what is not about telemetry is left alone. */
interface GivenConfiguration {
  readonly include?: readonly (string | undefined)[];
  readonly profiles?: unknown;
  readonly cache?: unknown;
  readonly opentelemetry?: { readonly metrics?: GivenMetrics; readonly traces?: GivenTraces };
  readonly pathMapping?: unknown;
  readonly posix?: unknown;
}

export const INCLUDE: Schema<readonly (string | undefined)[]> = list(text('the path of a file'));

const SECTIONS: Fields<GivenConfiguration> = {
  include: described(INCLUDE, 'Files to add, absolute or relative to this one; they include no others.'),
  profiles: anything({ type: 'object' }),
  cache: anything({ type: 'object' }),
  opentelemetry: object<NonNullable<GivenConfiguration['opentelemetry']>>({
    metrics: METRICS,
    traces: TRACES,
  }),
  pathMapping: anything({ type: 'object' }),
  posix: anything({ type: 'object' }),
};

/** A newer MSC may have sections that this version does not know. */
export const CONFIGURATION: Schema<GivenConfiguration> = open(SECTIONS, ['opentelemetry', 'include']);

/** Sections of a configuration that are not known here. */
export function unknownSections(configuration: Readonly<Record<string, unknown>>): string[] {
  const known = new Set(Object.keys(SECTIONS).flatMap((name) => [name, snakeCase(name)]));
  return Object.keys(configuration).filter((key) => !known.has(key));
}
