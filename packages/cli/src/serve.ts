/**
 * `msc-telemetry serve`: the telemetry server in the foreground, for a directory that others record into (a sidecar).
 *
 * In: a directory. Out: it is served until SIGINT or SIGTERM; then all that is there is exported, within a deadline.
 * On failure: what did not leave stays in the directory, for the next server.
 */
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readTreeStatus } from '@multistorageclient/telemetry';
import {
  listenNoMore,
  listenTree,
  prepareTree,
  serve as startServing,
  type Serving,
} from '@multistorageclient/telemetry/serve';
import { millisOf, textOf, UsageError, type Command, type Invocation } from './command.ts';

export const serve: Command = {
  name: 'serve',
  usage: '--directory DIR [options]',
  summary: 'serve a directory in the foreground, such as a volume that containers share',
  details:
    'Programs record into it with init({ mode: "client", address: DIR }) or MSC_TELEMETRY_DIRECTORY=DIR; with --listen\n' +
    'those that see no such directory do with init({ address: [HOST, PORT] }). What they send is not encrypted.\n' +
    'SIGINT and SIGTERM end it, after all that is there has been exported; exit code 1 where something had to stay.',
  options: {
    directory: { type: 'string', value: 'DIR', description: 'created with mode 700 if it is not there' },
    listen: {
      type: 'string',
      value: 'HOST:PORT',
      description: 'also take what programs elsewhere send: init({ address: [HOST, PORT] })',
    },
    'secret-file': {
      type: 'string',
      value: 'FILE',
      description:
        'what those programs have to know; default MSC_TELEMETRY_SECRET or MSC_TELEMETRY_SECRET_FILE',
    },
    'lease-millis': {
      type: 'string',
      value: 'MILLIS',
      description: 'how long a client may be away before what it has begun counts as ended; default 3600000',
    },
    leave: { type: 'boolean', description: 'end when nobody records: drains what is there, and is gone' },
    'timeout-millis': {
      type: 'string',
      value: 'MILLIS',
      description: 'how long the last export may take; default 10000',
    },
  },
  run: serveDirectory,
};

const DEFAULT_LEASE_MILLIS = 3_600_000;

async function serveDirectory(invocation: Invocation): Promise<number> {
  const named = textOf(invocation, 'directory');
  const timeoutMillis = millisOf(invocation, 'timeout-millis', 10_000);
  if (named === undefined) throw new UsageError('serve: got no directory, expected --directory DIR');
  const directory = path.resolve(named);
  const asked = signalled();
  const where = prepareDirectory(invocation, directory);
  const leaves = invocation.values['leave'] === true;
  const serving = startServing({ directory, log, env: process.env, leaves });
  if (serving === undefined) {
    const { server } = readTreeStatus(directory);
    const who = server === undefined ? 'another server' : `process ${server.pid} (${server.state})`;
    throw new Error(`${directory} is served by ${who}: expected a directory without a server`);
  }
  log(`serving ${directory}${where === undefined ? '' : ` and clients at ${where}`}`);
  const signal = await Promise.race([asked, serving.ended]);
  const isInTime = signal === undefined || (await exportLast(serving, signal, timeoutMillis));
  const { journaled } = readTreeStatus(directory).account;
  const isDone = isInTime && journaled === 0;
  log(isDone ? 'all is exported' : `not all could be exported: ${journaled} records stay in ${directory}`);
  // A request that is still on its way would hold the process; the next server sends it again.
  return process.exit(isDone ? 0 : 1);
}

/**
 * Where it will listen, if anywhere: a directory does not go on with what an earlier command line said. The directory is
 * made after all that the command line says has been checked.
 */
function prepareDirectory(invocation: Invocation, directory: string): string | undefined {
  const listen = textOf(invocation, 'listen');
  const secretFile = textOf(invocation, 'secret-file');
  const leaseMillis = millisOf(invocation, 'lease-millis', DEFAULT_LEASE_MILLIS);
  if (listen === undefined) {
    prepareTree(directory, process.env);
    listenNoMore(directory);
    return undefined;
  }
  const endpoint = endpointOf(listen);
  listenTree(directory, endpoint, { leaseMillis }, secretEnvironment(secretFile));
  prepareTree(directory, process.env);
  return listen;
}

/** The variables that say what the secret is; an option takes the place of both. */
function secretEnvironment(secretFile: string | undefined): NodeJS.ProcessEnv {
  if (secretFile !== undefined) return { MSC_TELEMETRY_SECRET_FILE: path.resolve(secretFile) };
  const { MSC_TELEMETRY_SECRET: secret, MSC_TELEMETRY_SECRET_FILE: file } = process.env;
  if ((secret ?? '') === '' && (file ?? '') === '') {
    throw new UsageError(
      '--listen: got no secret, expected --secret-file FILE, MSC_TELEMETRY_SECRET or MSC_TELEMETRY_SECRET_FILE',
    );
  }
  return process.env;
}

function endpointOf(listen: string): { host: string; port: number } {
  const [, v6, name, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(listen) ?? [];
  const host = v6 ?? name;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new UsageError(`--listen: got ${listen}, expected HOST:PORT, such as 0.0.0.0:4317 or [::1]:4317`);
  }
  return { host, port: Number(port) };
}

/** `false` where it took longer than it may. */
function exportLast(serving: Serving, signal: NodeJS.Signals, timeoutMillis: number): Promise<boolean> {
  log(`${signal}: exporting what is there`);
  // Clients keep what they have, and come back to the next server.
  serving.stopListening();
  const left = serving.flush().then(() => serving.stop());
  return Promise.race([left.then(() => true), setTimeout(timeoutMillis, false)]);
}

/** The first signal; a second one ends the process as if nobody listened. */
function signalled(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const listener = (signal: NodeJS.Signals): void => {
    for (const one of signals) process.off(one, listener);
    resolve(signal);
  };
  for (const signal of signals) process.on(signal, listener);
  return promise;
}

function log(message: string): void {
  console.error(`msc-telemetry: ${message}`);
}
