import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Cli } from './cli.ts';

describe('msc-telemetry', () => {
  it('helps', async (t) => {
    const cli = new Cli(t);
    const { code, stdout, stderr } = await cli.run(['--help']);
    assert.deepEqual([code, stderr], [0, '']);
    for (const command of ['run', 'status', 'serve', 'validate']) {
      assert.match(stdout, new RegExp(`^  ${command} `, 'mu'));
      const help = await cli.run([command, '--help']);
      assert.deepEqual([help.code, help.stderr], [0, '']);
      assert.ok(help.stdout.startsWith(`msc-telemetry ${command} `));
      assert.match(help.stdout, /^ {2}--help {2,}print this$/mu);
    }
  });

  it('tells its version', async (t) => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    const { code, stdout } = await new Cli(t).run(['--version']);
    assert.deepEqual([code, stdout], [0, `${version}\n`]);
  });

  const wrong: [args: string[], says: RegExp][] = [
    [[], /got no command, expected run, status, serve or validate/u],
    [['rnu'], /unknown command rnu, expected run, status, serve, validate \(did you mean run\?\)/u],
    [['statsu', '--json'], /unknown command statsu, expected .* \(did you mean status\?\)/u],
    [['something'], /unknown command something, expected run, status, serve, validate$/u],
    [['--versoin'], /unknown option --versoin, expected --help, --version \(did you mean --version\?\)/u],
    [
      ['run', '--jsno', '--', 'true'],
      /unknown option --jsno, expected --output, .* \(did you mean --json\?\)/u,
    ],
    [['run', '--toString', '--', 'true'], /unknown option --toString, expected [^(]*--help$/u],
    [['run', '-x', '--', 'true'], /unknown option -x, expected [^(]*--help$/u],
    [['run', '--json=yes', '--', 'true'], /--json: got yes, expected no value/u],
    [['run', '--output', '--json', '--', 'true'], /--output: got --json, expected FILE/u],
    [['run', '--output', '--', 'true'], /--output: got nothing, expected FILE/u],
    [
      ['run', '--timeout-millis=soon', '--', 'true'],
      /--timeout-millis: got soon, expected milliseconds from 0/u,
    ],
    [['run', '--timeout-millis=-1', '--', 'true'], /--timeout-millis: got -1, expected milliseconds from 0/u],
    [['run'], /run: got no command, expected msc-telemetry run \[options\] -- command args…/u],
    [['run', '--'], /run: got no command/u],
    [['run', 'node', 'app.js'], /run: got node before --, expected only options there/u],
    [['run', '--exporter', 'oltp', '--', 'true'], /--exporter: got oltp, expected file, otlp or console/u],
    [
      ['run', '--endpoint', 'http://x', '--', 'true'],
      /--endpoint: got http:\/\/x, expected nothing beside --exporter file/u,
    ],
    [['run', '--exporter=otlp', '--endpoint=x:1', '--', 'true'], /--endpoint: got x:1, expected a URL/u],
    [
      ['run', '--exporter=console', '--output=x', '--', 'true'],
      /--output: got x, expected nothing beside --exporter console/u,
    ],
    [
      ['run', '--config=none.json', '--', 'true'],
      /--config: configuration cannot be read: .*none\.json: expected a file that can be read \(ENOENT/u,
    ],
    [['run', '--config=x', '--output=y', '--', 'true'], /--output: got y, expected nothing beside --config/u],
    [['status', 'a', 'b'], /got a b, expected one DIRECTORY or none/u],
    [['validate', 'a', 'b'], /validate: got a b, expected one FILE or none/u],
    [['serve'], /serve: got no directory, expected --directory DIR/u],
  ];
  for (const [args, says] of wrong)
    it(`refuses: ${args.join(' ')}`, async (t) => {
      const { code, stdout, stderr } = await new Cli(t).run(args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^msc-telemetry: .+\n$/u);
      assert.match(stderr.trimEnd(), says);
    });
});
