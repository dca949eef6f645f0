/**
 * `msc-telemetry validate`: what is wrong with a configuration file, or what it comes to.
 *
 * In: a file, or the one that a program would find here. Out: every problem with file and line, or a short account.
 * Nothing is recorded, and no exporter is made. Secrets are not shown.
 * On failure: exit code 1 where there is a problem, or no file.
 */
import path from 'node:path';
import { TelemetryError, type Problem } from '@multistorageclient/telemetry';
import {
  checkConfiguration,
  describeProblem,
  isDisabled,
  loadConfiguration,
  usualPlaces,
  type CheckedConfiguration,
  type ExporterConfig,
  type LoadedConfiguration,
} from '@multistorageclient/telemetry/config';
import { UsageError, type Command, type Invocation } from './command.ts';

export const validate: Command = {
  name: 'validate',
  usage: '[FILE] [options]',
  summary: 'say what is wrong with a configuration file, or what it comes to',
  details:
    'Without FILE: the one that MSC_CONFIG names, else the first of the usual places. Classes of the program are looked for\n' +
    'from the working directory. Exit code 1 where there is a problem, or no file.',
  options: { json: { type: 'boolean', description: 'print one JSON object' } },
  run: validateFile,
};

interface Verdict {
  readonly path: string | undefined;
  readonly problems: readonly Problem[];
  readonly loaded?: LoadedConfiguration;
  readonly checked?: CheckedConfiguration;
}

async function validateFile({ positionals, values }: Invocation): Promise<number> {
  if (positionals.length > 1) {
    throw new UsageError(`validate: got ${positionals.join(' ')}, expected one FILE or none`);
  }
  const verdict = judge(positionals[0]);
  const lines = values['json'] === true ? [JSON.stringify(asJson(verdict))] : asText(verdict);
  console.log(lines.join('\n'));
  return verdict.problems.length === 0 ? 0 : 1;
}

function judge(file: string | undefined): Verdict {
  const named = file ?? (process.env['MSC_CONFIG'] || undefined);
  let loaded: LoadedConfiguration | undefined;
  try {
    loaded = loadConfiguration(file);
  } catch (error) {
    if (!(error instanceof TelemetryError)) throw error;
    const [first] = error.problems;
    return { path: named === undefined ? first.file : path.resolve(named), problems: error.problems };
  }
  if (loaded === undefined) {
    const expected = `a file: MSC_CONFIG is not set, and there is none of ${usualPlaces(process.env).join(', ')}`;
    return { path: undefined, problems: [{ path: '', value: undefined, expected }] };
  }
  const checked = checkConfiguration(loaded, process.env, path.resolve('program.js'));
  return { path: loaded.path, problems: checked.problems, loaded, checked };
}

function asJson({ path: file, problems, loaded, checked }: Verdict): object {
  const valid = problems.length === 0;
  if (!valid || checked === undefined) return { path: file, valid, problems };
  const { metrics, traces } = checked;
  return {
    path: file,
    valid,
    problems,
    files: loaded?.files,
    disabled: isDisabled(process.env),
    unknownSections: checked.unknownSections,
    metrics: metrics && { ...metrics, exporter: exporterOf(metrics.exporter), attributes: typesIn(checked) },
    traces: traces && { ...traces, exporter: exporterOf(traces.exporter) },
  };
}

function asText({ path: file, problems, loaded, checked }: Verdict): string[] {
  if (problems.length > 0 || loaded === undefined || checked === undefined) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    return [...problems.map(describeProblem), ...(file === undefined ? [] : [`${count} in ${file}`])];
  }
  const { metrics, traces } = checked;
  const otherwise =
    'opentelemetry' in loaded.configuration ? 'off: no exporter' : 'as OpenTelemetry’s variables say';
  return [
    `${file} is right`,
    ...(loaded.files.length > 1 ? [`files    ${loaded.files.join(', ')}`] : []),
    `metrics  ${metrics === undefined ? otherwise : accountOfMetrics(checked, metrics)}`,
    `traces   ${traces === undefined ? otherwise : accountOfTraces(traces)}`,
    ...(checked.unknownSections.length > 0
      ? [`note     not known here, left alone: ${checked.unknownSections.join(', ')}`]
      : []),
    ...(isDisabled(process.env) ? ['OTEL_SDK_DISABLED is true: nothing is recorded'] : []),
  ];
}

type Metrics = NonNullable<CheckedConfiguration['metrics']>;
type Traces = NonNullable<CheckedConfiguration['traces']>;

function accountOfMetrics(checked: CheckedConfiguration, metrics: Metrics): string {
  const { collectIntervalMillis, exportIntervalMillis } = metrics.reader;
  const { prometheus } = metrics;
  return [
    destinationOf(metrics.exporter),
    `collected every ${collectIntervalMillis} ms`,
    `exported every ${exportIntervalMillis} ms`,
    `resampling ${metrics.resampling.type}`,
    ...(metrics.attributes === undefined ? [] : [`attributes ${typesIn(checked).join(', ')}`]),
    ...(prometheus === undefined ? [] : [`/metrics at ${prometheus.host}:${prometheus.port}`]),
  ].join('; ');
}

function accountOfTraces({ exporter, sampler, processor }: Traces): string {
  const ratio = sampler.type.endsWith('ratio') ? ` ${sampler.ratio}` : '';
  return [
    destinationOf(exporter),
    `exported every ${processor.scheduleDelayMillis} ms`,
    `sampler ${sampler.type}${ratio}`,
  ].join('; ');
}

function destinationOf(exporter: ExporterConfig): string {
  const { type, endpoint } = exporterOf(exporter);
  return endpoint === undefined ? type : `${type} to ${endpoint}`;
}

/** Without its other options and without what else a URL holds: there may be secrets in it. */
function exporterOf({ type, options }: ExporterConfig): {
  readonly type: string;
  readonly endpoint?: string;
} {
  const { exporter = {}, path: file } = options as { exporter?: object; path?: unknown };
  const { url } = { ...options, ...exporter } as { url?: unknown };
  const endpoint = url ?? file;
  if (typeof endpoint !== 'string') return { type };
  const { origin, pathname } = URL.parse(endpoint) ?? {};
  return { type, endpoint: url === undefined || origin === undefined ? endpoint : `${origin}${pathname}` };
}

function typesIn({ metrics }: CheckedConfiguration): string[] {
  return (metrics?.attributes ?? []).map(({ type }) => type);
}
