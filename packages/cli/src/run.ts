/**
 * `msc-telemetry run`: runs a program, records what it and its descendants do with node:fs, and says so at the end.
 *
 * In: a command. Out: its own stdout, untouched; a summary on stderr; its exit code, or its end by a signal.
 * Invariant: once it runs, the program runs as it would without us, whatever becomes of the telemetry.
 * On failure: what could not be exported stays in the tree's directory; the end says where.
 */
import path from 'node:path';
import { TelemetryServer, type TreeStatus } from '@multistorageclient/telemetry';
import { millisOf, UsageError, type Command, type Invocation } from './command.ts';
import { destinationOf, toFile, type Destination } from './destination.ts';
import { formatSeconds } from './format.ts';
import { endOfLines, readOtlpLines } from './otlp-lines.ts';
import { endLike, runProgram, type Ended } from './program.ts';
import { paintFor, reportAccount, reportFailures, reportSummary } from './report.ts';
import type { StorageSummary } from './storage-summary.ts';
import { Summary } from './summary.ts';

export const run: Command = {
  name: 'run',
  usage: '[options] -- command args…',
  summary: 'run a program, record its storage operations, print a summary at the end',
  details:
    'Every Node.js process and worker thread of the program records, without a line of its own. The summary goes to\n' +
    'stderr, and the exit code is that of the program. Without an option everything goes into a temporary file.',
  options: {
    output: {
      type: 'string',
      value: 'FILE',
      description: 'append the OTLP JSON lines to FILE, and keep them',
    },
    exporter: { type: 'string', value: 'TYPE', description: 'file (default), otlp or console' },
    endpoint: {
      type: 'string',
      value: 'URL',
      description: 'of otlp; default http://localhost:4318/v1/metrics',
    },
    config: {
      type: 'string',
      value: 'FILE',
      description: 'an MSC configuration, which the program gets as MSC_CONFIG',
    },
    json: { type: 'boolean', description: 'print the summary as one JSON object, the last line of stdout' },
    quiet: { type: 'boolean', description: 'print no summary' },
    'timeout-millis': {
      type: 'string',
      value: 'MILLIS',
      description: 'how long the last export may take; default 10000',
    },
  },
  run: observe,
};

async function observe(invocation: Invocation): Promise<number> {
  const command = commandOf(invocation);
  const timeoutMillis = millisOf(invocation, 'timeout-millis', 10_000);
  const chosen = destinationOf(invocation);
  const server = new TelemetryServer();
  // It goes with the tree, even if we are killed.
  const destination = chosen ?? toFile(path.join(server.scratchDirectory(), 'operations.jsonl'));
  const fromByte = destination.file === undefined ? 0 : await endOfLines(destination.file);
  await server.start();
  const ended = await runProgram(command, environmentFor(server.address, destination));
  const status = await (chosen === undefined
    ? flushed(server, timeoutMillis)
    : server.stop({ timeoutMillis }));
  const lasting = whatLasts(status, chosen === undefined);
  await say({ invocation, command, destination, fromByte, ended, status, lasting });
  await server.stop({ timeoutMillis: 0 });
  return endLike(ended);
}

/** Without letting the tree go, and the temporary file with it. */
async function flushed(server: TelemetryServer, timeoutMillis: number): Promise<TreeStatus> {
  await server.flush({ timeoutMillis });
  return server.status();
}

function commandOf({ positionals, rest }: Invocation): readonly string[] {
  const [before] = positionals;
  if (before !== undefined) throw new UsageError(`run: got ${before} before --, expected only options there`);
  if (rest === undefined || rest.length === 0) {
    throw new UsageError('run: got no command, expected msc-telemetry run [options] -- command args…');
  }
  return rest;
}

function environmentFor(tree: string, { config, configuration }: Destination): NodeJS.ProcessEnv {
  // A URL holds neither blanks nor quotes: it needs no quoting.
  const register = `--import=${import.meta.resolve('@multistorageclient/instrumentation/register')}`;
  const options = process.env['NODE_OPTIONS'] ?? '';
  return {
    ...process.env,
    NODE_OPTIONS: options.trim() === '' ? register : `${options} ${register}`,
    MSC_TELEMETRY_DIRECTORY: tree,
    MSC_TELEMETRY_CONFIG: JSON.stringify(config),
    ...(configuration === undefined ? {} : { MSC_CONFIG: configuration }),
  };
}

/** What goes on after the program's end. */
function whatLasts({ directory, writers, account }: TreeStatus, isTemporary: boolean): string[] {
  const alive = new Set(writers.filter(({ state }) => state !== 'dead').map(({ pid }) => pid));
  const lines: string[] = [];
  if (alive.size > 0) {
    const fate = isTemporary ? '; what comes later is not kept (--output FILE would keep it)' : '';
    lines.push(`still recording: process ${[...alive].join(', ')}${fate}`);
  }
  if (account.journaled > 0) lines.push(`not exported yet: ${account.journaled} records in ${directory}`);
  return lines;
}

interface Observed {
  readonly invocation: Invocation;
  readonly command: readonly string[];
  readonly destination: Destination;
  readonly fromByte: number;
  readonly ended: Ended;
  readonly status: TreeStatus;
  readonly lasting: readonly string[];
}

async function say(observed: Observed): Promise<void> {
  const { json, quiet } = observed.invocation.values;
  if (json === true) {
    // The program may have left its last line open.
    process.stdout.write(`\n${JSON.stringify(await asJson(observed))}\n`);
  } else if (quiet !== true) {
    console.error((await asText(observed)).join('\n'));
  }
}

async function asJson({ destination, fromByte, command, ended, status, lasting }: Observed): Promise<object> {
  const { account, balanced, configurations } = status;
  return {
    command,
    exitCode: ended.code,
    signal: ended.signal,
    account,
    balanced,
    writers: Object.values(configurations).reduce((sum, { writers }) => sum + writers, 0),
    configurations,
    lasting,
    ...(destination.file === undefined
      ? { wallSeconds: ended.wallSeconds }
      : await summarize(destination.file, fromByte, status, ended)),
  };
}

async function asText({
  destination,
  fromByte,
  command,
  ended,
  status,
  lasting,
}: Observed): Promise<string[]> {
  const paint = paintFor(process.stderr);
  const { file } = destination;
  const how = ended.signal === null ? `exit code ${ended.code}` : ended.signal;
  const title = `storage operations of ${shown(command)} (${how}, ${formatSeconds(ended.wallSeconds)})`;
  const summary =
    file === undefined ? [] : reportSummary(await summarize(file, fromByte, status, ended), paint);
  return [
    '',
    paint('bold', title),
    '',
    ...summary,
    reportAccount(status.account, paint),
    ...reportFailures(status, paint),
    ...lasting,
  ];
}

/** On one line, and not much more than that. */
function shown(command: readonly string[]): string {
  const line = command.join(' ').replaceAll(/\s+/gu, ' ');
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

async function summarize(
  file: string,
  fromByte: number,
  { directory }: TreeStatus,
  { wallSeconds }: Ended,
): Promise<StorageSummary> {
  const summary = new Summary(directory);
  try {
    for await (const line of readOtlpLines(file, { fromByte })) summary.add(line);
  } catch (error) {
    // A program that recorded nothing leaves no file.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return summary.result(wallSeconds);
}
