/**
 * `msc-telemetry`: runs a program with storage telemetry, shows trees of processes, serves a directory, checks configurations.
 *
 * In: arguments. Out: an exit code: 0, 1 for what went wrong, 2 for a wrong command line; `run` gives that of the program.
 * On failure: one line on stderr, without a stack.
 */
import { readFileSync } from 'node:fs';
import { helpOf, parseInvocation, UsageError, type Command } from './command.ts';
import { suggestion } from '@multistorageclient/telemetry/config';
import { run } from './run.ts';
import { serve } from './serve.ts';
import { status } from './status.ts';
import { validate } from './validate.ts';

const COMMANDS: readonly Command[] = [run, status, serve, validate];

/** Runs a command line, without the names of Node and of the program. Never rejects. */
export async function main(args: readonly string[]): Promise<number> {
  // Whoever reads our output may leave before it ends, as `head` does.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    return await dispatch(args);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`msc-telemetry: ${message.replaceAll(/\s*\n\s*/gu, ' ')}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  switch (name) {
    case '--version':
      console.log(version());
      return 0;
    case '--help':
    case '-h':
    case 'help':
      console.log(help());
      return 0;
    case undefined:
      throw new UsageError(
        'got no command, expected run, status, serve or validate (msc-telemetry --help says more)',
      );
  }
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) {
    const what = name.startsWith('-') ? 'option' : 'command';
    const known = what === 'option' ? ['--help', '--version'] : COMMANDS.map((one) => one.name);
    throw new UsageError(`unknown ${what} ${name}, expected ${known.join(', ')}${suggestion(name, known)}`);
  }
  const invocation = parseInvocation(command, rest);
  if (invocation.values['help'] !== true) return command.run(invocation);
  console.log(helpOf(command));
  return 0;
}

function help(): string {
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`);
  return [
    'msc-telemetry COMMAND [options]',
    '',
    ...lines,
    '',
    '  --version, --help; msc-telemetry COMMAND --help says what a command takes',
  ].join('\n');
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}
